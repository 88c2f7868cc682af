"""Negatives were never touched, are distinct, and every such set is equally likely."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.data.negatives import draw_negatives
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError


def sequences_of(rows: list[list[int]]) -> Sequences:
    flat = [item for row in rows for item in row]
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    users = pl.Series([f"u{row}" for row in range(len(rows))], dtype=pl.String)
    return Sequences(users, offsets, np.array(flat, dtype=np.int32), np.zeros(len(flat), np.int64))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[int]], np.ndarray, int]:
    n_items = draw(st.integers(3, 40))
    row = st.lists(st.integers(0, n_items - 1), max_size=12)
    rows = draw(st.lists(row, max_size=12))
    pool = np.array(draw(st.lists(st.booleans(), min_size=n_items, max_size=n_items)))
    free = [np.count_nonzero(pool) - len({i for i in row if pool[i]}) for row in rows]
    n = draw(st.integers(1, max(1, min(free, default=1))))
    return rows, pool, n


@given(cases(), st.integers(0, 5))
def test_negatives_are_of_the_pool_untouched_and_distinct(
    case: tuple[list[list[int]], np.ndarray, int], seed: int
) -> None:
    rows, pool, n = case
    short = any(set(np.flatnonzero(pool)) - set(row) == set() for row in rows)
    if short:
        with pytest.raises(DataError, match="items that"):
            draw_negatives(sequences_of(rows), pool, n, np.random.default_rng(seed))
        return
    drawn = draw_negatives(sequences_of(rows), pool, n, np.random.default_rng(seed))
    assert drawn.shape == (len(rows), n)
    assert drawn.dtype == np.int32
    for row, negatives in zip(rows, drawn.tolist(), strict=True):
        assert len(set(negatives)) == n
        assert not set(negatives) & set(row)
        assert pool[negatives].all()
    again = draw_negatives(sequences_of(rows), pool, n, np.random.default_rng(seed))
    assert np.array_equal(drawn, again)


@pytest.mark.parametrize(
    ("n_items", "touched", "n"),
    [(40, 3, 5), (40, 20, 5), (12, 6, 5), (8, 2, 6)],
    ids=["few touched", "half touched", "small catalogue", "all that is left"],
)
def test_every_untouched_item_is_drawn_equally_often(n_items: int, touched: int, n: int) -> None:
    users = 4000
    drawn = draw_negatives(
        sequences_of([list(range(touched))] * users),
        np.ones(n_items, dtype=np.bool_),
        n,
        np.random.default_rng(0),
    )
    free = n_items - touched
    counts = np.bincount(drawn.reshape(-1), minlength=n_items)
    share = n / free
    spread = np.sqrt(users * share * (1 - share))
    assert counts[:touched].sum() == 0
    assert np.all(np.abs(counts[touched:] - users * share) <= 5 * spread)
    # Pairs of neighbours in code come together as often as any: no trace of the order.
    has = np.zeros((users, n_items), dtype=np.bool_)
    np.put_along_axis(has, drawn.astype(np.int64), True, axis=1)
    together = np.count_nonzero(has[:, touched : n_items - 1] & has[:, touched + 1 :], axis=0)
    both = share * (n - 1) / (free - 1)
    assert np.all(np.abs(together - users * both) <= 5 * np.sqrt(users * both * (1 - both)) + 1e-9)


def test_one_user_among_many_who_touched_nearly_all_gets_the_rest() -> None:
    rows = [[0]] * 50 + [list(range(2, 1000))] + [[1]] * 50
    pool = np.ones(1000, dtype=np.bool_)
    drawn = draw_negatives(sequences_of(rows), pool, 2, np.random.default_rng(0))
    assert sorted(drawn[50].tolist()) == [0, 1]


def test_too_few_left_is_said_with_the_user() -> None:
    rows = [[0], [0, 1, 2, 2, 1]]
    with pytest.raises(DataError, match=r"'u1' touched 3 of the 5 .*: 2 are left and 3"):
        draw_negatives(sequences_of(rows), np.ones(5, dtype=np.bool_), 3, np.random.default_rng(0))
