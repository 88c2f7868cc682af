"""Stages `baseline-<name>`: one for each ranker that the system is compared with."""

from pathlib import Path

from gistrec.baselines.registry import Baseline, fit_baseline, load_baseline
from gistrec.config.base import StageConfig
from gistrec.config.baselines import BaselineName
from gistrec.data.split import Split
from gistrec.pipeline.manifest import Facts
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.sequence.model import SequenceModel


class _Nothing(StageConfig):
    """The settings of a baseline that has none."""


def stage_name(name: BaselineName) -> str:
    """The folder of a baseline in a run."""
    return f"baseline-{name}"


def baseline_stage(work: Workplace, split: Split, name: BaselineName) -> Path:
    """Fit one baseline; where it stands, it stays."""
    config = work.config.baselines

    def build(folder: Path) -> Facts:
        fitted = fit_baseline(name, config, split.train, split.valid, work.dataset.n_items, folder)
        fitted.save(folder)
        return {}

    settings: StageConfig = getattr(config, name, _Nothing())
    return run_stage(work.run, stage_name(name), settings, {"split": split.fingerprint}, build)


def open_baseline(run: Path, name: BaselineName) -> Baseline:
    """The baseline of a finished stage."""
    return load_baseline(name, run / stage_name(name))


def open_encoder(run: Path, name: BaselineName) -> SequenceModel:
    """The baseline of a finished stage whose states are compared to find similar users."""
    encoder = open_baseline(run, name)
    if not isinstance(encoder, SequenceModel):
        raise TypeError(f"{name} is no sequence model")
    return encoder
