import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gistrec.collab.knowledge_base import (
    KnowledgeBase,
    build_knowledge_base,
    encode_histories,
    known_moments,
)
from gistrec.collab.neighbours import find_neighbours
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError

N_ITEMS = 40
ITEM_IDS = pl.Series([f"item-{code}" for code in range(N_ITEMS)])


class BagOfItems:
    """A state that sums fixed random item vectors, newer ones heavier."""

    def __init__(self, width: int = 6, seed: int = 0) -> None:
        self.vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, width))

    def encode(self, histories: Sequences) -> np.ndarray:
        return np.stack(
            [
                (self.vectors[items] * np.arange(1, len(items) + 1)[:, None]).sum(axis=0)
                for items in histories
            ]
        ).astype(np.float32)


def log(lengths: list[int], seed: int = 0, name: str = "u") -> Sequences:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.random.default_rng([seed, 1]).integers(0, N_ITEMS, offsets[-1]).astype(np.int32)
    users = pl.Series([f"{name}{row}" for row in range(len(lengths))], dtype=pl.String)
    return Sequences(users, offsets, items, np.arange(offsets[-1]))


def ask(base: KnowledgeBase, who: Sequences, k: int = 3, next_items: int = 2) -> pl.DataFrame:
    states = encode_histories(BagOfItems(), who)
    return find_neighbours(base, states, who.users, who.lengths, ITEM_IDS, k, next_items)


def by_brute_force(base: KnowledgeBase, state: np.ndarray, user: str, k: int) -> list[tuple]:
    """Every user's best moment by plain cosine, best users first."""
    best: dict[str, tuple[float, int]] = {}
    for number, row in enumerate(base.rows):
        owner, value = base.train.users[int(row)], float(base.states[number] @ state)
        if owner != user and value > best.get(owner, (-2.0, 0))[0]:
            best[owner] = (value, int(base.moments[number]))
    ranked = sorted(((value, owner) for owner, (value, _) in best.items()), reverse=True)
    return ranked[:k]


def test_every_moment_with_a_known_next_item_is_kept() -> None:
    rows, moments = known_moments(np.array([1, 3, 2]))
    assert rows.tolist() == [1, 1, 2]
    assert moments.tolist() == [1, 2, 1]


def test_a_bound_keeps_the_newest_moments() -> None:
    rows, moments = known_moments(np.array([5, 2]), max_moments=2)
    assert rows.tolist() == [0, 0, 1]
    assert moments.tolist() == [5 - 2, 5 - 1, 1]


def test_states_have_length_one() -> None:
    base = build_knowledge_base(BagOfItems(), log([4, 6, 2]))
    assert len(base) == (4 - 1) + (6 - 1) + (2 - 1)
    np.testing.assert_allclose(np.linalg.norm(base.states, axis=1), 1, rtol=1e-6)


def test_a_log_without_a_next_item_is_refused() -> None:
    with pytest.raises(RunError, match="two interactions"):
        build_knowledge_base(BagOfItems(), log([1, 1]))


def test_a_state_that_is_not_finite_is_refused_with_the_user() -> None:
    class Broken:
        def encode(self, histories: Sequences) -> np.ndarray:
            states = np.ones((len(histories), 2), dtype=np.float32)
            states[np.array(histories.users) == "u1"] = np.nan
            return states

    with pytest.raises(RunError, match="'u1'"):
        build_knowledge_base(Broken(), log([3, 3]))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=2, max_size=15).filter(lambda v: max(v) > 1),
    k=st.integers(1, 6),
    seed=st.integers(0, 10_000),
)
def test_neighbours_are_those_of_brute_force(lengths: list[int], k: int, seed: int) -> None:
    train = log(lengths, seed)
    base = build_knowledge_base(BagOfItems(), train)
    strangers = log([2, 5], seed + 1, name="stranger")
    for who in (train, strangers):
        table = ask(base, who, k)
        states = encode_histories(BagOfItems(), who)
        for row, user in enumerate(who.users):
            mine = table.filter(pl.col("user_id") == user)
            expected = by_brute_force(base, states[row], user, k)
            assert user not in mine["neighbour"].to_list()
            assert mine["neighbour"].n_unique() == len(mine) == len(expected)
            assert mine["rank"].to_list() == list(range(1, len(expected) + 1))
            # Equal histories tie, in an order of their own; the similarities are the same.
            np.testing.assert_allclose(
                mine["similarity"], [value for value, _ in expected], atol=1e-5
            )


def test_one_user_who_fills_the_base_does_not_hide_the_others() -> None:
    """u0 owns the 400 nearest moments; the search must look behind them."""
    chatty = np.full(401, 7, dtype=np.int32)
    others = np.array([7, 3, 9, 4, 11, 30], dtype=np.int32)
    train = Sequences(
        pl.Series(["u0", "u1", "u2", "u3"]),
        np.array([0, 401, 403, 405, 407]),
        np.concatenate([chatty, others]),
        np.arange(407),
    )
    base = build_knowledge_base(BagOfItems(), train)
    who = Sequences(pl.Series(["new"]), np.array([0, 1]), chatty[:1], np.arange(1))
    assert ask(base, who)["neighbour"].n_unique() == 3
    assert set(ask(base, who, k=4)["neighbour"]) == {"u0", "u1", "u2", "u3"}


def test_what_followed_comes_right_after_the_moment_that_resembled() -> None:
    train = log([8, 9, 10, 7], seed=3)
    base = build_knowledge_base(BagOfItems(), train)
    where = {user: train[row] for row, user in enumerate(train.users)}
    who = train.prefixes([0, 1, 2, 3], [4, 4, 4, 4])
    states = encode_histories(BagOfItems(), who)
    for next_items in (1, 3):
        table = ask(base, who, k=2, next_items=next_items)
        for line in table.iter_rows(named=True):
            items = where[line["neighbour"]]
            state = states[list(who.users).index(line["user_id"])]
            moments = [
                int(moment)
                for number, moment in enumerate(base.moments)
                if train.users[int(base.rows[number])] == line["neighbour"]
                and np.isclose(base.states[number] @ state, line["similarity"], atol=1e-6)
            ]
            followed = [
                [f"item-{code}" for code in items[moment : moment + next_items]]
                for moment in moments
            ]
            assert line["next_items"] in followed
            assert line["moment"] == 4


def test_fewer_users_than_wanted_give_fewer_rows() -> None:
    base = build_knowledge_base(BagOfItems(), log([4, 5]))
    table = ask(base, log([3], seed=9, name="new"), k=5)
    assert sorted(table["neighbour"]) == ["u0", "u1"]


def test_nothing_held_out_is_ever_shown() -> None:
    """Users outside the training log, and items that only they have, cannot appear."""
    train = log([6, 7, 8])
    kept = train.keeping(np.arange(N_ITEMS) < N_ITEMS // 2)
    held_out = log([5, 5], seed=5, name="test")
    table = ask(build_knowledge_base(BagOfItems(), kept), held_out, k=3, next_items=9)
    shown = table["next_items"].explode().unique().to_list()
    assert set(shown) <= {f"item-{code}" for code in kept.items}
    assert set(table["neighbour"]) <= set(kept.users)


def test_no_questions_give_an_empty_table_with_the_columns() -> None:
    base = build_knowledge_base(BagOfItems(), log([4, 5]))
    nobody = pl.Series([], dtype=pl.String)
    table = find_neighbours(base, np.empty((0, 6), np.float32), nobody, np.empty(0, int), ITEM_IDS)
    assert table.schema == ask(base, log([3], name="new")).schema
    assert not len(table)


def test_the_table_survives_parquet(tmp_path) -> None:
    table = ask(build_knowledge_base(BagOfItems(), log([4, 5, 6])), log([3], name="new"))
    table.write_parquet(tmp_path / "neighbours.parquet")
    assert pl.read_parquet(tmp_path / "neighbours.parquet").equals(table)
