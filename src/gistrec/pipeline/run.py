"""A run, from a dataset to a leaderboard: the stages in the order of the picture.

dataset -> split -> baselines
-> backbone -> gist -> collab -> recommender
-> evaluation -> leaderboard
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.baselines.oracle import Oracle
from gistrec.config.evaluation import Protocol
from gistrec.config.load import load_config, save_config
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import open_dataset
from gistrec.data.queries import Queries
from gistrec.data.split import Split
from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import as_frame, load_leaderboard
from gistrec.evaluation.row import Row
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.baselines import baseline_stage, open_baseline, stage_name
from gistrec.pipeline.collab import collab_stage
from gistrec.pipeline.cuts import prompt_facts
from gistrec.pipeline.evaluation import evaluate_system, publish_leaderboard
from gistrec.pipeline.gist import gist_stage
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.manifest import Facts
from gistrec.pipeline.recommender import open_recommender, recommender_stage, retrieved_items
from gistrec.pipeline.served import served_rows
from gistrec.pipeline.split import split_stage
from gistrec.pipeline.states import has_oracle
from gistrec.pipeline.workplace import Workplace, note_dataset, noted_dataset
from gistrec.progress import say
from gistrec.recommender.gists import gist_texts
from gistrec.recommender.nearby import nearby_items
from gistrec.recommender.rank import MllmRanker

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
    """
    config = load_config(SystemConfig, system, config_file, overrides)
    refuse_other_folder(run)
    opened = open_dataset(
        dataset,
        withhold=config.dataset.withhold,
        min_interactions=config.dataset.min_interactions,
    )
    for warning in opened.warnings:
        say(f"note: {warning}")
    work = Workplace(run, config, opened)
    with locked_run(run):
        save_config(config, run / schema.CONFIG_FILE)
        note_dataset(run, dataset)
        return Run(run, _stages(work))


def open_run(run: Path) -> tuple[Workplace, Run]:
    """A finished run with its dataset, to ask it for recommendations or its leaderboard.

    Raises:
        RunError: ``run`` is no finished run.
        DataError: its dataset is gone or changed for the worse.
    """
    if not (run / schema.CONFIG_FILE).exists():
        raise RunError(f"{run} is no run: it has no {schema.CONFIG_FILE}; `gistrec run` makes one")
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    dataset = open_dataset(
        noted_dataset(run),
        withhold=config.dataset.withhold,
        min_interactions=config.dataset.min_interactions,
    )
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
            (stage_name(name),),
            () if seed is None else (seed,),
        )
    if config.recommends:
        rows[config.name] = _mllm_system(work, split)
    return publish_leaderboard(work, rows, served_rows(work, split))


def _mllm_system(work: Workplace, split: Split) -> list[Row]:
    encoder = work.config.collab.encoder
    if encoder not in work.config.baselines.names:
        baseline_stage(work, split, encoder)
    backbone = backbone_stage(work)
    gists = gist_stage(work, backbone)
    words = gist_texts(gists, work.titles)
    collab = collab_stage(work, split, words, work.run / "gist")
    recommender = recommender_stage(work, split, backbone, words, collab)

    def open_ranker() -> MllmRanker:
        item_ids = work.dataset.item_ids
        return open_recommender(work, recommender, backbone, words).ranker(
            nearby_items(collab.asked, item_ids), retrieved_items(collab.candidates, item_ids)
        )

    def report(ranker: MllmRanker, asked: Mapping[Protocol, Queries]) -> Facts:
        cuts = ranker.cuts(*(queries.histories for queries in asked.values()))
        return prompt_facts(f"evaluation-{work.config.name}", ranker.prompter, cuts)

    made_by = (stage_name(encoder), "backbone", "gist", "collab", "recommender")
    seeds = (work.config.recommender.seed,)
    return evaluate_system(work, split, work.config.name, open_ranker, made_by, seeds, report)
