"""Who trains, who is asked what, and with which candidates, for every kind of split."""

from pathlib import Path

import numpy as np
import pytest
from data_cases import dataset_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gistrec.config.split import SplitConfig, SplitKind
from gistrec.data.dataset import Dataset
from gistrec.data.queries import Queries
from gistrec.data.split import Split, make_split
from gistrec.errors import DataError

N_ITEMS = 30  # items 15 to 29 are never chosen: there is always something to draw
KINDS: tuple[SplitKind, ...] = ("users", "last-out", "time")
logs = st.lists(st.lists(st.integers(0, 14), min_size=4, max_size=9), min_size=8, max_size=25)


def shop(rows: list[list[int]], seed: int) -> Dataset:
    """Users begin at their own time; every fifth event happens at the moment of the one before."""
    rng = np.random.default_rng(seed)
    steps = [
        np.where(np.arange(len(row)) % 5 == 4, 0, rng.integers(1, 9, len(row))) for row in rows
    ]
    times = [(rng.integers(0, 30) + np.cumsum(step)).tolist() for step in steps]
    return dataset_of(rows, N_ITEMS, times)


def split_of(dataset: Dataset, config: SplitConfig) -> Split | None:
    """The split; None where so small a log cannot be split so."""
    try:
        return make_split(dataset, config)
    except DataError:
        return None


def by_user(dataset: Dataset) -> dict[str, list[tuple[int, int]]]:
    log = dataset.sequences()
    return {
        user: list(
            zip(
                log[row].tolist(),
                log.timestamps[log.offsets[row] : log.offsets[row + 1]].tolist(),
                strict=True,
            )
        )
        for row, user in enumerate(log.users)
    }


def asked(queries: Queries) -> dict[str, tuple[list[tuple[int, int]], int]]:
    """User to history, as (item, time) pairs, and positive."""
    log = queries.histories
    bounds = [slice(log.offsets[row], log.offsets[row + 1]) for row in range(len(log))]
    return {
        user: (
            list(zip(log.items[part].tolist(), log.timestamps[part].tolist(), strict=True)),
            positive,
        )
        for user, part, positive in zip(log.users, bounds, queries.positives.tolist(), strict=True)
    }


@settings(max_examples=60, deadline=None)
@given(logs, st.sampled_from(KINDS), st.sampled_from([0.0, 0.3]), st.integers(0, 3))
def test_histories_end_where_the_positive_stands_and_candidates_are_untouched(
    rows: list[list[int]], kind: SplitKind, cold_fraction: float, seed: int
) -> None:
    dataset = shop(rows, seed)
    config = SplitConfig(kind=kind, seed=seed, cold_fraction=cold_fraction, negatives=1)
    split = split_of(dataset, config)
    if split is None:
        return
    whole = by_user(dataset)
    for queries in (split.valid, split.test, split.cold):
        if queries is None:
            continue
        is_cold = queries is split.cold
        for user, (history, positive) in asked(queries).items():
            place = len(history)
            assert place >= 1
            assert whole[user][:place] == history
            assert whole[user][place][0] == positive
            assert split.cold_items[positive] == is_cold
        for row, user in enumerate(queries.histories.users):
            touched = {item for item, _ in whole[user]}
            negatives = queries.candidates[row, 1:].tolist()
            assert queries.candidates[row, 0] == queries.positives[row]
            assert not touched & set(negatives)
            assert all(split.cold_items[item] == is_cold for item in negatives)
        assert queries.pool[queries.positives].all()
    assert not split.cold_items[split.train.items].any()
    assert (split.cold is None) == (cold_fraction == 0)
    assert split.train_counts.sum() == len(split.train.items)


@settings(max_examples=40, deadline=None)
@given(logs, st.integers(0, 3))
def test_users_are_parted_eight_to_one_to_one(rows: list[list[int]], seed: int) -> None:
    split = make_split(shop(rows, seed), SplitConfig(seed=seed, negatives=3))
    groups = [split.train.users, split.valid.histories.users, split.test.histories.users]
    names = [name for group in groups for name in group]
    assert sorted(names) == sorted(f"u{row}" for row in range(len(rows)))
    tenth = max(1, round(len(rows) / 10))
    assert [len(group) for group in groups] == [len(rows) - 2 * tenth, tenth, tenth]
    for user, items in zip(split.train.users, split.train, strict=True):
        assert items.tolist() == rows[int(user[1:])]
    for queries in (split.valid, split.test):
        for user, (history, positive) in asked(queries).items():
            assert [item for item, _ in history] + [positive] == rows[int(user[1:])]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 14), min_size=1, max_size=9), min_size=1, max_size=20),
    st.integers(0, 3),
)
def test_last_out_holds_out_the_last_two(rows: list[list[int]], seed: int) -> None:
    long = {f"u{user}": row for user, row in enumerate(rows) if len(row) >= 3}
    config = SplitConfig(kind="last-out", seed=seed, negatives=3)
    if not long:
        with pytest.raises(DataError, match="no validation user"):
            make_split(shop(rows, seed), config)
        return
    split = make_split(shop(rows, seed), config)
    trained = {u: i.tolist() for u, i in zip(split.train.users, split.train, strict=True)}
    assert trained == {
        f"u{user}": row[:-2] if len(row) >= 3 else row for user, row in enumerate(rows)
    }
    for queries, cut in ((split.valid, -2), (split.test, -1)):
        told = {u: ([i for i, _ in h], p) for u, (h, p) in asked(queries).items()}
        assert told == {user: (row[:cut], row[cut]) for user, row in long.items()}
    assert sum(users for _, users in split.left_out) == len(rows) - len(long)


@settings(max_examples=60, deadline=None)
@given(logs, st.sampled_from([0.0, 0.3]), st.integers(0, 3))
def test_time_trains_on_the_past_only(
    rows: list[list[int]], cold_fraction: float, seed: int
) -> None:
    dataset = shop(rows, seed)
    config = SplitConfig(kind="time", seed=seed, negatives=1, cold_fraction=cold_fraction)
    split = split_of(dataset, config)
    if split is None:
        return
    whole = by_user(dataset)
    moments = [
        [whole[user][len(history)][1] for user, (history, _) in asked(queries).items()]
        for queries in (split.valid, split.test)
    ]
    assert split.train.timestamps.max() < min(moments[0])
    assert max(moments[0]) < min(moments[1])
    # Whatever warm thing happened before the first question is trained on.
    past = [(i, t) for events in whole.values() for i, t in events if not split.cold_items[i]]
    known = sum(time <= split.train.timestamps.max() for _, time in past)
    assert len(split.train.items) == known


def test_time_asks_for_the_first_event_after_each_cut() -> None:
    rows = [list(range(10)), [10, 11], [12, 13, 14]]
    times = [list(range(0, 100, 10)), [1, 95], [83, 84, 99]]
    config = SplitConfig(kind="time", valid_fraction=4 / 15, test_fraction=3 / 15, negatives=2)
    split = make_split(dataset_of(rows, N_ITEMS, times), config)
    # In order: 0 1 10 20 30 40 50 60 | 70 80 83 84 | 90 95 99
    assert split.train.timestamps.max() == 60
    assert asked(split.valid) == {"u0": ([(i, 10 * i) for i in range(7)], 7)}
    assert {user: positive for user, (_, positive) in asked(split.test).items()} == {
        "u0": 9,
        "u1": 11,
        "u2": 14,
    }
    assert split.left_out == (("users of the validation period with nothing before it", 1),)


def test_times_that_are_all_alike_cannot_be_cut() -> None:
    rows = [[1, 2, 3, 4]] * 5
    with pytest.raises(DataError, match="cannot be cut"):
        make_split(dataset_of(rows, N_ITEMS, [[7] * 4] * 5), SplitConfig(kind="time"))


def test_cold_items_are_asked_for_where_their_users_chose_them_last() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 15, 8).tolist() for _ in range(100)]
    split = make_split(dataset_of(rows, N_ITEMS), SplitConfig(cold_fraction=0.4, negatives=2))
    assert split.cold is not None
    assert np.count_nonzero(split.cold_items) == round(0.4 * 15)
    testers = set(split.test.histories.users)
    for user, (history, positive) in asked(split.cold).items():
        row = rows[int(user[1:])]
        last = max(place for place, item in enumerate(row) if split.cold_items[item])
        assert (len(history), positive) == (last, row[last])
        assert user in testers
    assert split.cold.pool.all()
    assert np.array_equal(split.test.pool, ~split.cold_items)
    assert (split.train_counts[split.cold_items] == 0).all()


def test_last_out_asks_only_for_cold_items_after_what_trains() -> None:
    rng = np.random.default_rng(1)
    rows = [rng.integers(0, 15, 8).tolist() for _ in range(60)]
    config = SplitConfig(kind="last-out", cold_fraction=0.4, negatives=2)
    split = make_split(dataset_of(rows, N_ITEMS), config)
    assert split.cold is not None
    valid = asked(split.valid)
    for user, (history, _) in asked(split.cold).items():
        assert len(history) > len(valid[user][0])


@pytest.mark.parametrize("kind", KINDS)
def test_at_most_so_many_users_are_asked_and_training_stays(kind: SplitKind) -> None:
    rng = np.random.default_rng(2)
    dataset = shop([rng.integers(0, 28, 8).tolist() for _ in range(80)], 0)
    whole = make_split(dataset, SplitConfig(kind=kind, cold_fraction=0.3, negatives=1))
    config = SplitConfig(
        kind=kind, cold_fraction=0.3, negatives=1, max_test_users=5, max_valid_users=3
    )
    few = make_split(dataset, config)
    assert (len(few.valid), len(few.test)) == (3, 5)
    assert few.train.items.tobytes() == whole.train.items.tobytes()
    assert few.cold is not None
    testers = asked(few.test)
    assert set(asked(few.cold)) <= set(testers)
    everyone = asked(whole.test)
    assert all(everyone[user] == question for user, question in testers.items())


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_nothing_else(kind: SplitKind) -> None:
    rng = np.random.default_rng(3)
    dataset = shop([rng.integers(0, 15, 8).tolist() for _ in range(50)], 0)
    marks = [
        make_split(dataset, SplitConfig(kind=kind, seed=seed, negatives=2)).fingerprint
        for seed in (0, 0, 1)
    ]
    assert marks[0] == marks[1] != marks[2]


def test_a_split_does_not_depend_on_titles_or_texts() -> None:
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, 15, 8).tolist() for _ in range(50)]
    plain = dataset_of(rows, N_ITEMS)
    mute = Dataset(
        Path("mute"), plain.card, plain.items.select("item_id"), plain.interactions, "other"
    )
    marks = [make_split(dataset, SplitConfig()).fingerprint for dataset in (plain, mute)]
    assert marks[0] == marks[1]


def test_too_few_users_or_items_are_said() -> None:
    with pytest.raises(DataError, match="there are 2"):
        make_split(dataset_of([[1, 2], [2, 3]], N_ITEMS), SplitConfig())
    rows = [[item, item + 1] for item in range(20)]
    with pytest.raises(DataError, match=r"split\.negatives"):
        make_split(dataset_of(rows, 22), SplitConfig(negatives=21))
    with pytest.raises(DataError, match=r"split\.cold_fraction"):
        make_split(dataset_of(rows, 22), SplitConfig(negatives=10, cold_fraction=0.2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "random"},
        {"negatives": 0},
        {"cold_fraction": 1.0},
        {"valid_fraction": 0.5, "test_fraction": 0.5},
        {"max_test_users": 0},
        {"folds": 3},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig.model_validate(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_training_users_can_be_capped_and_nothing_else_changes(kind: SplitKind) -> None:
    dataset = shop([[row % 15, (row + 1) % 15, (row + 2) % 15, 3] for row in range(25)], seed=1)
    whole = make_split(dataset, SplitConfig(kind=kind, negatives=3))
    capped = make_split(dataset, SplitConfig(kind=kind, negatives=3, max_train_users=4))
    assert len(capped.train) == 4
    assert set(capped.train.users) < set(whole.train.users)
    assert capped.test.positives.tolist() == whole.test.positives.tolist()
    assert capped.test.candidates.tolist() == whole.test.candidates.tolist()
