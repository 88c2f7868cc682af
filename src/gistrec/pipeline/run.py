"""A run, from a dataset to a leaderboard: the stages in the order of the picture.

dataset -> split -> baselines, and before one that needs it the backbone
-> backbone -> gist tuning -> gist -> collab
-> recommender, once more with evidence, fusion
-> evaluation -> leaderboard
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.baselines.oracle import Oracle
from gistrec.config.load import load_config, save_config
from gistrec.config.seeds import refuse_no_run
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import open_dataset
from gistrec.evaluation.leaderboard import as_frame, load_leaderboard
from gistrec.evaluation.row import Row
from gistrec.pipeline.baselines import baseline_stage, baseline_stages, open_baseline
from gistrec.pipeline.compared import forget_earlier, full_mark
from gistrec.pipeline.dataset_now import note_opened
from gistrec.pipeline.evaluation import evaluate_system, publish_leaderboard
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.refusals import refuse_at_once
from gistrec.pipeline.served import served_rows
from gistrec.pipeline.split import split_stage
from gistrec.pipeline.states import has_oracle
from gistrec.pipeline.systems import mllm_systems
from gistrec.pipeline.workplace import Workplace, noted_dataset
from gistrec.progress import say

ORACLE = "oracle"


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    rows: list[Row]

    def leaderboard(self) -> pl.DataFrame:
        """The leaderboard as a flat table, one row a (system, protocol, stratum)."""
        return as_frame(self.rows)


def run_system(
    system: str,
    dataset: Path,
    run: Path,
    *,
    config_file: Path | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """Run a system from a dataset to its leaderboard; what stands already is not done again.

    Args:
        system: a preset's name, see ``gistrec.config.load.available_presets``.
        dataset: the dataset's folder.
        run: the run's folder; made where absent, continued where interrupted.
        config_file: YAML laid over the preset.
        overrides: ``stage.key=value``, laid over both.

    Raises:
        ConfigError: an unknown system, key or value.
        DataError: the dataset has a fatal defect.
        RunError: the run is in use, or its folder is something else.
        BackboneError: the backbone is to be in a folder, and is not.
    """
    config = load_config(SystemConfig, system, config_file, overrides)
    refuse_other_folder(run)
    opened = open_dataset(dataset, config.dataset)
    for warning in opened.warnings:
        say(f"note: {warning}")
    work = Workplace(run, config, opened)
    refuse_at_once(work)
    with locked_run(run):
        save_config(config, run / schema.CONFIG_FILE)
        note_opened(run, opened, config.dataset)
        rows = _stages(work)
        forget_earlier(run, full_mark(config, [run]))
        return Run(run, rows)


def open_run(run: Path) -> tuple[Workplace, Run]:
    """A finished run with its dataset, to ask it for recommendations or its leaderboard.

    Raises:
        RunError: ``run`` is no finished run.
        DataError: its dataset is gone or changed for the worse.
    """
    refuse_no_run(run)
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    dataset = open_dataset(noted_dataset(run), config.dataset)
    return Workplace(run, config, dataset), Run(run, load_leaderboard(run))


def _stages(work: Workplace) -> list[Row]:
    config = work.config
    split = split_stage(work)
    rows: dict[str, list[Row]] = {}
    if has_oracle(work.dataset.folder):
        rows[ORACLE] = evaluate_system(
            work, split, ORACLE, lambda: Oracle.open(work.dataset), (), ()
        )
    for name in config.baselines.names:
        baseline_stage(work, split, name)
        seed = getattr(getattr(config.baselines, name, None), "seed", None)
        rows[name] = evaluate_system(
            work,
            split,
            name,
            partial(open_baseline, work.run, name),
            baseline_stages(work, name),
            () if seed is None else (seed,),
        )
    if config.recommends:
        rows |= mllm_systems(work, split)
    return publish_leaderboard(work, rows, served_rows(work, split))
