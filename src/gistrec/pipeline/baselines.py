"""Stages `baseline-<name>`: one for each ranker that the system is compared with."""

from pathlib import Path

from gistrec.baselines.hm4sr.model import Hm4srModel
from gistrec.baselines.registry import Baseline, fit_baseline, load_baseline
from gistrec.config.base import StageConfig
from gistrec.config.baselines import BaselineName
from gistrec.data.split import Split
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.item_vectors import item_vectors
from gistrec.pipeline.manifest import Facts, stage_fingerprint
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
    seen = (_BACKBONE,) if work.config.baselines.sees(name) else ()
    return (*seen, stage_name(name))


def baseline_stage(work: Workplace, split: Split, name: BaselineName) -> Path:
    """Fit one baseline, the backbone first where it reads what that sees; what stands, stays."""
    config = work.config.baselines
    inputs = {"split": split.fingerprint}
    if config.sees(name):
        backbone_stage(work, split)
        inputs[_BACKBONE] = stage_fingerprint(work.run / _BACKBONE)
        inputs["encoder"] = resolved_kind(config.hm4sr.text)

    def build(folder: Path) -> Facts:
        vectors = None
        if config.sees(name):
            vectors = item_vectors(work, work.run / _BACKBONE, config.hm4sr.text)
        fitted = fit_baseline(
            name, config, split.train, split.valid, work.dataset.n_items, folder, vectors
        )
        fitted.save(folder)
        return fitted.facts() if isinstance(fitted, Hm4srModel) else {}

    settings: StageConfig = getattr(config, name, _Nothing())
    return run_stage(work.run, stage_name(name), settings, inputs, build)


def open_baseline(run: Path, name: BaselineName) -> Baseline:
    """The baseline of a finished stage."""
    return load_baseline(name, run / stage_name(name))


def open_encoder(run: Path, name: BaselineName) -> SequenceModel:
    """The baseline of a finished stage whose states are compared to find similar users."""
    encoder = open_baseline(run, name)
    if not isinstance(encoder, SequenceModel):
        raise TypeError(f"{name} is no sequence model")
    return encoder
