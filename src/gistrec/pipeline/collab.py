"""Stage `collab`: similar users of everyone who is asked about, and what is worth scoring."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gistrec.collab.candidates import retrieve
from gistrec.collab.folds import fold_of, out_of_fold_neighbours, outside
from gistrec.collab.knowledge_base import build_knowledge_base, encode_histories
from gistrec.collab.neighbours import find_neighbours
from gistrec.config.base import StageConfig
from gistrec.config.collab import CollabConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.split import Split
from gistrec.files import written_aside
from gistrec.pipeline.baselines import open_encoder, stage_name
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.windows import Windows, draw_windows
from gistrec.sequence.model import SequenceModel
from gistrec.sequence.training import train_sequence_model

_TRAINING, _ASKED, _CANDIDATES = (
    "training-neighbours.parquet",
    "neighbours.parquet",
    "candidates.parquet",
)


class _Settings(StageConfig):
    """What decides this stage's result."""

    collab: CollabConfig
    encoder: SequenceConfig
    windows: tuple[int | None, int, int]  # most, epochs, seed
    validation_users: int
    retrieved: int


@dataclass(frozen=True)
class Collab:
    """The tables of the stage.

    Attributes:
        training: neighbours of training windows, found out of fold.
        asked: neighbours of validation, test and cold questions.
        candidates: items retrieved for test and cold questions.
    """

    training: pl.DataFrame
    asked: pl.DataFrame
    candidates: pl.DataFrame


def training_windows(work: Workplace, split: Split, epoch: int) -> Windows:
    """The windows that the recommender trains on in an epoch."""
    config = work.config.recommender
    return draw_windows(split.train, config.max_windows, config.seed + epoch)


def validation_questions(work: Workplace, split: Split) -> Queries:
    """The questions that judge the recommender while it trains."""
    most = min(work.config.recommender.validation_users, len(split.valid))
    return split.valid.take(np.arange(most))


def collab_stage(work: Workplace, split: Split, gist_words: list[str], gist: Path) -> Collab:
    """Find similar users and candidates, or read them.

    Args:
        work: the run; the encoder's stage is finished in it.
        split: what may be known.
        gist_words: each item's gist, what content retrieval compares.
        gist: folder of the gist stage.
    """
    config = work.config

    def build(folder: Path) -> Facts:
        encoder = open_encoder(work.run, config.collab.encoder)
        training = _out_of_fold(work, split, encoder, folder)
        _write(training, folder / _TRAINING)
        _write(_asked(work, split, encoder), folder / _ASKED)
        found = [
            retrieve(
                encoder, gist_words, queries, work.dataset.item_ids, config.recommender.retrieved
            )
            for queries in (split.test, split.cold)
            if queries is not None
        ]
        _write(pl.concat(found), folder / _CANDIDATES)
        return {"training_neighbours": len(training)}

    recommender = config.recommender
    settings = _Settings(
        collab=config.collab,
        encoder=getattr(config.baselines, config.collab.encoder),
        windows=(recommender.max_windows, recommender.epochs, recommender.seed),
        validation_users=recommender.validation_users,
        retrieved=recommender.retrieved,
    )
    encoder_folder = work.run / stage_name(config.collab.encoder)
    inputs = {
        "split": split.fingerprint,
        "gist": stage_fingerprint(gist),
        encoder_folder.name: stage_fingerprint(encoder_folder),
    }
    folder = run_stage(work.run, "collab", settings, inputs, build)
    return Collab(
        pl.read_parquet(folder / _TRAINING),
        asked_neighbours(folder),
        retrieved_candidates(folder),
    )


def asked_neighbours(folder: Path) -> pl.DataFrame:
    """Neighbours of validation, test and cold questions, of a finished stage."""
    return pl.read_parquet(folder / _ASKED)


def retrieved_candidates(folder: Path) -> pl.DataFrame:
    """Items retrieved for test and cold questions, of a finished stage."""
    return pl.read_parquet(folder / _CANDIDATES)


def _out_of_fold(
    work: Workplace, split: Split, encoder: SequenceModel, folder: Path
) -> pl.DataFrame:
    """Neighbours of every window that training will draw, by encoders that never saw its user."""
    config = work.config.collab
    fold = fold_of(split.train.users, config.folds, config.seed)
    # Out of fold there is nothing to stop by: the full encoder tells how long is enough.
    settings = encoder.config.model_copy(update={"epochs": max(1, encoder.report.best_epoch)})
    models = [
        train_sequence_model(
            settings,
            outside(split.train, fold, which),
            None,
            work.dataset.n_items,
            folder / f"fold-{which}.checkpoint",
        )
        for which in range(config.folds)
    ]
    windows = [
        training_windows(work, split, epoch) for epoch in range(work.config.recommender.epochs)
    ]
    drawn = np.stack(
        [
            np.concatenate([part.rows for part in windows]),
            np.concatenate([part.moments for part in windows]),
        ]
    )
    rows, moments = np.unique(drawn, axis=1)
    return out_of_fold_neighbours(models, split.train, rows, moments, work.dataset.item_ids, config)


def _asked(work: Workplace, split: Split, encoder: SequenceModel) -> pl.DataFrame:
    config = work.config.collab
    base = build_knowledge_base(encoder, split.train, config.max_moments)
    tables = []
    for queries in (validation_questions(work, split), split.test, split.cold):
        if queries is None:
            continue
        histories = queries.histories
        tables.append(
            find_neighbours(
                base,
                encode_histories(encoder, histories),
                histories.users,
                histories.lengths,
                work.dataset.item_ids,
                config.neighbours,
                config.next_items,
            )
        )
    return pl.concat(tables).unique(maintain_order=True)


def _write(table: pl.DataFrame, file: Path) -> None:
    with written_aside(file) as aside:
        table.write_parquet(aside)
