"""Every window and every question has the taste of its own history, and of nothing else."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.split import SplitKind
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Card, Dataset
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split, make_split
from gistrec.errors import RunError
from gistrec.pipeline.collab import asked_questions, training_windows
from gistrec.pipeline.taste.moments import asked_places, moments_of, told_of, training_places
from gistrec.pipeline.taste.stage import TasteTables
from gistrec.pipeline.workplace import Workplace

N_ITEMS, N_USERS = 80, 60
OVERRIDES = ("split.cold_fraction=0.2", "split.negatives=2", "recommender.max_windows=50")


def dataset() -> Dataset:
    rng = np.random.default_rng(4)
    events = [
        (f"u{user:02}", f"i{item:02}", int(time))
        for user in range(N_USERS)
        for item, time in zip(
            rng.permutation(N_ITEMS)[: rng.integers(1, 12)],
            np.sort(rng.integers(0, 50, 12)),
            strict=False,
        )
    ]
    names = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}
    log = pl.DataFrame(events, schema=names, orient="row")
    items = pl.DataFrame({"item_id": [f"i{code:02}" for code in range(N_ITEMS)], "title": ""})
    return Dataset(Path("memory"), Card("memory"), items, log, "")


def taste_of(items: Sequence[int]) -> str:
    """A taste that only this history, in this order, can have."""
    return " ".join(map(str, items))


def told(work: Workplace, split: Split) -> TasteTables:
    """The tables of the stage, where a taste is the history itself."""
    training, asked = training_places(work, split), asked_places(work, split)
    places = {**training, **asked}
    assert len(places) == len(training) + len(asked)
    rows = [
        (name, moment, taste_of(places[name].items[:moment])) for name, moment in moments_of(places)
    ]
    columns = [schema.USER_ID, schema.MOMENT, schema.TASTE]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return TasteTables(told_of(training, table), told_of(asked, table))


@pytest.mark.parametrize("kind", ["users", "last-out", "time"])
def test_tastes_are_of_the_history_that_a_prompt_is_about(kind: SplitKind) -> None:
    config = load_config(SystemConfig, "mllm-msr", None, [f"split.kind={kind}", *OVERRIDES])
    work = Workplace(Path("nowhere"), config, dataset())
    split = make_split(work.dataset, config.split)
    tables = told(work, split)
    both = set(split.train.users) & set(split.test.histories.users)
    assert bool(both) == (kind != "users")  # who trains is asked about too, at other moments
    windows = [training_windows(work, split, epoch) for epoch in range(config.recommender.epochs)]
    drawn = {
        (row, moment)
        for part in windows
        for row, moment in zip(part.rows.tolist(), part.moments.tolist(), strict=True)
    }
    assert tables.of_training == {
        (split.train.users[row], moment): taste_of(split.train[row][:moment].tolist())
        for row, moment in drawn
    }
    for queries in asked_questions(work, split).values():
        found = tables.of_asked(queries.histories)
        assert found == [taste_of(history.tolist()) for history in queries.histories]
        for taste, positive in zip(found, queries.positives.tolist(), strict=True):
            assert str(positive) not in taste.split()


def test_a_training_without_any_epoch_has_no_tastes_of_windows() -> None:
    config = load_config(SystemConfig, "mllm-msr", None, ["recommender.epochs=0", *OVERRIDES])
    work = Workplace(Path("nowhere"), config, dataset())
    tables = told(work, make_split(work.dataset, config.split))
    assert tables.training.is_empty()
    assert not tables.asked.is_empty()


def test_a_moment_without_a_taste_is_named() -> None:
    log = Sequences(
        pl.Series(["u"]), np.array([0, 2]), np.array([1, 2], dtype=np.int32), np.array([1, 2])
    )
    columns = [schema.USER_ID, schema.MOMENT, schema.TASTE]
    table = pl.DataFrame([("u", 1, "blue")], schema=columns, orient="row")
    with pytest.raises(RunError, match="of user u after 2 interactions"):
        TasteTables(table, table).of_asked(log)
