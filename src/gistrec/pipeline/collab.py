"""Stage `collab`: similar users of everyone who is asked about, and what is worth scoring."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.collab.candidates import RETRIEVAL_NEIGHBOURS, retrieve
from gistrec.collab.folds import fold_of, out_of_fold_neighbours, outside
from gistrec.collab.item_vectors import tfidf_vectors
from gistrec.collab.knowledge_base import KnowledgeBase, build_knowledge_base, encode_histories
from gistrec.collab.neighbours import find_neighbours
from gistrec.collab.recall import search_facts
from gistrec.config.base import StageConfig
from gistrec.config.collab import CollabConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.config.system import SystemConfig
from gistrec.data.queries import Queries
from gistrec.data.split import Split
from gistrec.files import written_aside
from gistrec.pipeline.baselines import open_encoder, stage_name
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.windows import Windows, draw_windows
from gistrec.sequence.model import SETTINGS_FILE, SequenceModel
from gistrec.sequence.training import train_sequence_model

_TRAINING, _ASKED, _CANDIDATES = (
    "training-neighbours.parquet",
    "neighbours.parquet",
    "candidates.parquet",
)
_NEIGHBOURS = pl.Schema(
    {
        schema.USER_ID: pl.String(),
        schema.MOMENT: pl.Int64(),
        schema.NEIGHBOUR: pl.String(),
        schema.SIMILARITY: pl.Float32(),
        schema.NEXT_ITEMS: pl.List(pl.String),
        schema.RANK: pl.Int64(),
    }
)


class CollabSettings(StageConfig):
    """What decides this stage's result."""

    collab: CollabConfig
    encoder: SequenceConfig
    windows: tuple[int | None, int, int]  # most, epochs, seed
    validation_users: int  # asked about while the recommender trains, and to calibrate its fusion
    retrieved: int
    out_of_fold: bool  # whether training prompts need encoders that have not seen their users


@dataclass(frozen=True)
class Collab:
    """The tables of the stage.

    Attributes:
        training: neighbours of training windows, found out of fold.
        asked: neighbours of validation, test and cold questions.
        candidates: items retrieved for the same.
    """

    training: pl.DataFrame
    asked: pl.DataFrame
    candidates: pl.DataFrame


def training_windows(work: Workplace, split: Split, epoch: int) -> Windows:
    """The windows that the recommender trains on in an epoch."""
    config = work.config.recommender
    return draw_windows(split.train, config.max_windows, [config.seed, epoch])


def validation_questions(work: Workplace, split: Split) -> Queries:
    """The questions that judge the recommender while it trains."""
    return _first(split.valid, work.config.recommender.validation_users)


def calibration_questions(work: Workplace, split: Split) -> Queries:
    """The questions that the fusion is fitted on; those of ``validation_questions`` come first."""
    return _first(split.valid, work.config.fusion.users)


def collab_settings(config: SystemConfig) -> CollabSettings:
    """What of a run's configuration decides this stage's result."""
    recommender = config.recommender
    return CollabSettings(
        collab=config.collab,
        encoder=getattr(config.baselines, config.collab.encoder),
        windows=(recommender.max_windows, recommender.rounds, recommender.seed),
        validation_users=validating(config),
        retrieved=recommender.retrieved,
        out_of_fold=_needs_folds(config),
    )


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
        training = _training(work, split, encoder, folder)
        _write(training, folder / _TRAINING)
        base = build_knowledge_base(encoder, split.train, config.collab.max_moments, config.collab)
        asked = asked_questions(work, split)
        similar = {part: _similar(work, base, encoder, asked[part]) for part in asked}
        _write(_told(similar.values(), config.collab.neighbours), folder / _ASKED)
        vectors, most = tfidf_vectors(gist_words), config.recommender.retrieved
        found = {
            part: retrieve(
                encoder, vectors, asked[part], work.dataset.item_ids, most, similar[part]
            )
            for part in asked
        }
        _write(pl.concat([part.table for part in found.values()]), folder / _CANDIDATES)
        return {
            "training_neighbours": len(training),
            **search_facts(base, encode_histories(encoder, split.test.histories)),
            "candidates": {part: dict(found[part].recall.facts()) for part in found},
        }

    encoder_folder = work.run / stage_name(config.collab.encoder)
    inputs = {
        "split": split.fingerprint,
        "gist": stage_fingerprint(gist),
        encoder_folder.name: stage_fingerprint(encoder_folder),
    }
    folder = run_stage(work.run, "collab", collab_settings(config), inputs, build, code="2")
    return Collab(
        pl.read_parquet(folder / _TRAINING),
        asked_neighbours(folder),
        retrieved_candidates(folder),
    )


def asked_neighbours(folder: Path) -> pl.DataFrame:
    """Neighbours of validation, test and cold questions, of a finished stage."""
    return pl.read_parquet(folder / _ASKED)


def retrieved_candidates(folder: Path) -> pl.DataFrame:
    """Items retrieved for validation, test and cold questions, of a finished stage."""
    return pl.read_parquet(folder / _CANDIDATES)


def fold_encoders(folder: Path, folds: int) -> list[SequenceModel]:
    """The encoders of a finished stage, each trained outside one fold."""
    return [SequenceModel.load(folder / _fold(which)) for which in range(folds)]


def _training(work: Workplace, split: Split, encoder: SequenceModel, folder: Path) -> pl.DataFrame:
    """Neighbours of every window that training will draw, by encoders that never saw its user."""
    config = work.config
    nobody = pl.DataFrame(schema=_NEIGHBOURS)
    if not _needs_folds(config):
        return nobody
    models = _out_of_fold_encoders(work, split, encoder, folder)
    if config.collab.neighbours == 0:
        return nobody
    windows = [training_windows(work, split, epoch) for epoch in range(config.recommender.rounds)]
    drawn = np.stack(
        [
            np.concatenate([part.rows for part in windows]),
            np.concatenate([part.moments for part in windows]),
        ]
    )
    rows, moments = np.unique(drawn, axis=1)
    return out_of_fold_neighbours(
        models, split.train, rows, moments, work.dataset.item_ids, config.collab
    )


def _out_of_fold_encoders(
    work: Workplace, split: Split, encoder: SequenceModel, folder: Path
) -> list[SequenceModel]:
    config = work.config.collab
    fold = fold_of(split.train.users, config.folds, config.seed)
    # Out of fold there is nothing to stop by: the full encoder tells how long is enough.
    settings = encoder.config.model_copy(update={"epochs": max(1, encoder.report.best_epoch)})
    models = []
    for which in range(config.folds):
        place = folder / _fold(which)
        if not (place / SETTINGS_FILE).exists():  # else an interrupted attempt got so far
            model = train_sequence_model(
                settings,
                outside(split.train, fold, which),
                None,
                work.dataset.n_items,
                folder / f"fold-{which}.checkpoint",
            )
            place.mkdir(exist_ok=True)
            model.save(place)
        models.append(SequenceModel.load(place))
    return models


def _similar(
    work: Workplace, base: KnowledgeBase, encoder: SequenceModel, queries: Queries
) -> pl.DataFrame:
    """More users than prompts tell of: what they chose next is worth scoring."""
    config = work.config.collab
    return find_neighbours(
        base,
        encode_histories(encoder, queries.histories),
        queries.histories.users,
        queries.histories.lengths,
        work.dataset.item_ids,
        max(RETRIEVAL_NEIGHBOURS, config.neighbours),
        config.next_items,
    )


def _told(similar: Iterable[pl.DataFrame], neighbours: int) -> pl.DataFrame:
    """The most similar users, whom prompts tell of."""
    nearest = [table.filter(pl.col(schema.RANK) <= neighbours) for table in similar]
    return pl.concat(nearest).unique(maintain_order=True)


def asked_questions(work: Workplace, split: Split) -> dict[str, Queries]:
    """All that will be asked: of validation users, of test users, about cold items."""
    if work.config.split.asks == "validation":
        return {"validation": split.test}
    first = _first(split.valid, validating(work.config))
    asked = {"validation": first, "test": split.test, "cold": split.cold}
    return {part: queries for part, queries in asked.items() if queries is not None}


def validating(config: SystemConfig) -> int:
    """So many validation users are asked about."""
    return max(config.recommender.validation_users, config.fusion.users)


def _needs_folds(config: SystemConfig) -> bool:
    trains = config.recommender.rounds > 0
    return trains and (config.collab.neighbours > 0 or "encoder" in config.evidence.kinds)


def _first(queries: Queries, most: int) -> Queries:
    return queries.take(np.arange(min(most, len(queries))))


def _fold(which: int) -> str:
    return f"fold-{which}"


def _write(table: pl.DataFrame, file: Path) -> None:
    with written_aside(file) as aside:
        table.write_parquet(aside)
