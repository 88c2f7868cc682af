"""Of whom and when tastes are told: every training window, and every question of the run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.sequences import LongArray, Sequences
from gistrec.data.split import Split
from gistrec.pipeline.collab import asked_questions, training_windows
from gistrec.pipeline.workplace import Workplace
from gistrec.taste.recurrent import Moment


@dataclass(frozen=True, eq=False)
class Place:
    """One history in which tastes are told.

    Attributes:
        user: id.
        items: codes, oldest first.
        times: int64, their timestamps.
        moments: how many of the items are known.
    """

    user: str
    items: list[int]
    times: LongArray
    moments: list[int]


Places = Mapping[str, Place]  # by a name of its own: a user may be asked about in several


def training_places(work: Workplace, split: Split) -> Places:
    """Every window that training will draw, by the log's row."""
    rounds = range(work.config.recommender.rounds)
    windows = [training_windows(work, split, epoch) for epoch in rounds]
    drawn = np.zeros((2, 0), dtype=np.int64)
    if windows:
        parts = [np.stack([part.rows, part.moments]) for part in windows]
        drawn = np.unique(np.concatenate(parts, axis=1), axis=1)
    moments: dict[int, list[int]] = {}
    for row, moment in drawn.T.tolist():
        moments.setdefault(row, []).append(moment)
    return {f"t{row}": _place(split.train, row, known) for row, known in moments.items()}


def asked_places(work: Workplace, split: Split) -> Places:
    """Every question of validation, of the test and about cold items, by its number."""
    found: dict[str, Place] = {}
    for queries in asked_questions(work, split).values():
        histories = queries.histories
        for row, known in enumerate(histories.lengths.tolist()):
            found[f"q{len(found)}"] = _place(histories, row, [known])
    return found


def moments_of(places: Places) -> Iterable[Moment]:
    """The name of each place with each of its moments."""
    return ((name, moment) for name, place in places.items() for moment in place.moments)


def told_of(places: Places, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``table`` that are of these places, under their users' ids."""
    named = pl.DataFrame(
        {schema.USER_ID: list(places), "user": [place.user for place in places.values()]},
        schema={schema.USER_ID: pl.String, "user": pl.String},
    )
    joined = table.join(named, on=schema.USER_ID, how="inner", maintain_order="right_left")
    told = joined.with_columns(pl.col("user").alias(schema.USER_ID)).drop("user")
    return told.unique([schema.USER_ID, schema.MOMENT], keep="first", maintain_order=True)


def _place(log: Sequences, row: int, moments: list[int]) -> Place:
    times = log.timestamps[log.offsets[row] : log.offsets[row + 1]]
    return Place(log.users[row], log[row].tolist(), times, moments)
