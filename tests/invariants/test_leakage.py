"""Change what a model must not know, and nothing that it may see changes by a byte."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gistrec.config.split import SplitConfig, SplitKind
from gistrec.data.dataset import Card, Dataset
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split, make_split

N_ITEMS, N_USERS = 60, 150
KINDS: tuple[SplitKind, ...] = ("users", "last-out", "time")
Rows = list[list[int]]


def rows_and_times(seed: int) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 14, N_USERS)
    rows = [rng.integers(0, N_ITEMS - 8, length).tolist() for length in lengths]
    times = [np.sort(rng.integers(0, 60, length)).tolist() for length in lengths]
    return rows, times


def dataset_of(rows: Rows, times: Rows) -> Dataset:
    events = [
        (f"u{user:03}", f"i{item:02}", time)
        for user, (row, moments) in enumerate(zip(rows, times, strict=True))
        for item, time in zip(row, moments, strict=True)
    ]
    names = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}
    log = pl.DataFrame(events, schema=names, orient="row")
    items = pl.DataFrame({"item_id": [f"i{code:02}" for code in range(N_ITEMS)], "title": ""})
    return Dataset(Path("memory"), Card("memory"), items, log, "")


def seen(log: Sequences) -> tuple[list[str], bytes, bytes, bytes]:
    arrays = (log.offsets, log.items, log.timestamps)
    return (log.users.to_list(), *(array.tobytes() for array in arrays))


def question_sets(split: Split) -> Iterator[tuple[str, Queries]]:
    yield "valid", split.valid
    yield "test", split.test
    if split.cold is not None:
        yield "cold", split.cold


def with_other_future(rows: Rows, queries: Queries, cold: np.ndarray, seed: int) -> Rows:
    """Every asked user's positive, and all that follows, becomes another item of its sort."""
    rng = np.random.default_rng(seed)
    changed = [list(row) for row in rows]
    for user, length in zip(queries.histories.users, queries.histories.lengths, strict=True):
        row = changed[int(user[1:])]
        for place in range(length, len(row)):
            alike = np.flatnonzero(cold == cold[row[place]])
            alike = alike[(alike != row[place]) & (alike < N_ITEMS - 8)]
            row[place] = int(rng.choice(alike))
    return changed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cold_fraction", [0.0, 0.4])
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_seen_depends_on_what_is_asked_or_follows(
    kind: SplitKind, cold_fraction: float, seed: int
) -> None:
    rows, times = rows_and_times(seed)
    config = SplitConfig(kind=kind, seed=seed, cold_fraction=cold_fraction, negatives=3)
    split = make_split(dataset_of(rows, times), config)
    for name, queries in question_sets(split):
        assert len(queries) >= 3
        other_rows = with_other_future(rows, queries, split.cold_items, seed)
        assert other_rows != rows
        other = make_split(dataset_of(other_rows, times), config)
        told = dict(question_sets(other))[name]
        assert (told.positives != queries.positives).all()
        assert np.array_equal(other.cold_items, split.cold_items)
        assert seen(other.train) == seen(split.train)
        assert seen(told.histories) == seen(queries.histories)


@pytest.mark.parametrize("cold_fraction", [0.0, 0.4])
def test_users_who_are_asked_never_train(cold_fraction: float) -> None:
    rows, times = rows_and_times(0)
    config = SplitConfig(cold_fraction=cold_fraction, negatives=3)
    split = make_split(dataset_of(rows, times), config)
    trained = set(split.train.users)
    for _, queries in question_sets(split):
        assert not trained & set(queries.histories.users)
    # Not even with what the model is told of them: their whole log may change.
    testers = set(split.test.histories.users)
    shifted = [
        [(item + 1) % (N_ITEMS - 8) for item in row] if f"u{user:03}" in testers else row
        for user, row in enumerate(rows)
    ]
    plain = SplitConfig(negatives=3)
    first, second = (make_split(dataset_of(log, times), plain) for log in (rows, shifted))
    assert seen(first.train) == seen(second.train)


def test_nothing_later_than_the_cut_trains_in_a_split_by_time() -> None:
    rows, times = rows_and_times(0)
    split = make_split(dataset_of(rows, times), SplitConfig(kind="time", negatives=3))
    cut = split.train.timestamps.max()
    later = [
        [0 if time > cut else item for item, time in zip(row, moments, strict=True)]
        for row, moments in zip(rows, times, strict=True)
    ]
    other = make_split(dataset_of(later, times), SplitConfig(kind="time", negatives=3))
    assert seen(other.train) == seen(split.train)


@pytest.mark.parametrize("kind", KINDS)
def test_cold_items_leave_no_trace_in_what_trains(kind: SplitKind) -> None:
    rows, times = rows_and_times(0)
    config = SplitConfig(kind=kind, cold_fraction=0.4, negatives=3)
    split = make_split(dataset_of(rows, times), config)
    assert split.cold is not None
    assert split.train_counts[split.cold_items].sum() == 0
    assert (split.train_counts[split.cold.positives] == 0).all()
    assert split.cold_items[split.cold.candidates].all()
