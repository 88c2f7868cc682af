"""Stages `baseline-<name>`: one for each ranker that the system is compared with."""

from pathlib import Path

from gistrec.baselines.hm4sr.model import Hm4srModel
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.baselines.molar.model import MolarModel
from gistrec.baselines.molar.training import MolarContent
from gistrec.baselines.registry import Baseline, fit_baseline, load_baseline
from gistrec.config.base import StageConfig
from gistrec.config.baselines import BaselineName
from gistrec.data.split import Split
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.item_vectors import item_vectors
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.molar import molar_content
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.sequence.model import SequenceModel
from gistrec.text.encoder import resolved_kind

_BACKBONE = "backbone"


class _Nothing(StageConfig):
    """The settings of a baseline that has none."""


def stage_name(name: BaselineName) -> str:
    """The folder of a baseline in a run."""
    return f"baseline-{name}"


def baseline_stages(work: Workplace, name: BaselineName) -> tuple[str, ...]:
    """The stages behind a baseline, its own last."""
    config = work.config
    seen = (_BACKBONE,) if config.baselines.sees(name) else ()
    followed = (stage_name(config.collab.encoder),) if config.baselines.follows(name) else ()
    return (*seen, *followed, stage_name(name))


def baseline_stage(work: Workplace, split: Split, name: BaselineName) -> Path:
    """Fit one baseline, before it whatever it is made from; what stands, stays."""
    config = work.config.baselines
    inputs = {"split": split.fingerprint, **_made_before(work, split, name)}

    def build(folder: Path) -> Facts:
        vectors: ItemVectors | None = None
        molar: MolarContent | None = None
        told: Facts = {}
        if name == "hm4sr":
            vectors = item_vectors(work, work.run / _BACKBONE, config.hm4sr.text)
        if name == "molar":
            encoder = work.config.collab.encoder
            followed = open_encoder(work.run, encoder) if config.follows(name) else None
            molar, told = molar_content(work, split, work.run / _BACKBONE, folder, followed)
        fitted = fit_baseline(
            name, config, split.train, split.valid, work.dataset.n_items, folder, vectors, molar
        )
        fitted.save(folder)
        more = fitted.facts() if isinstance(fitted, Hm4srModel | MolarModel) else {}
        return {**told, **more}

    settings: StageConfig = getattr(config, name, _Nothing())
    return run_stage(work.run, stage_name(name), settings, inputs, build)


def _made_before(work: Workplace, split: Split, name: BaselineName) -> dict[str, str]:
    """What a baseline reads beside the split, made where it is not there: fingerprints by name."""
    config, inputs = work.config.baselines, {}
    if config.sees(name):
        backbone_stage(work, split)
        inputs[_BACKBONE] = stage_fingerprint(work.run / _BACKBONE)
    if config.follows(name):
        encoder = work.config.collab.encoder
        inputs[stage_name(encoder)] = stage_fingerprint(baseline_stage(work, split, encoder))
    if name == "hm4sr":
        inputs["encoder"] = resolved_kind(config.hm4sr.text)
    if name == "molar":
        inputs["prompts"] = PROMPT_VERSION
    return inputs


def open_baseline(run: Path, name: BaselineName) -> Baseline:
    """The baseline of a finished stage."""
    return load_baseline(name, run / stage_name(name))


def open_encoder(run: Path, name: BaselineName) -> SequenceModel:
    """The baseline of a finished stage whose states are compared to find similar users."""
    encoder = open_baseline(run, name)
    if not isinstance(encoder, SequenceModel):
        raise TypeError(f"{name} is no sequence model")
    return encoder
