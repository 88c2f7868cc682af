import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gistrec.data.sequences import PAD, Sequences
from gistrec.sequence.batches import right_padded, shuffled_batches, sorted_batches, windows


def of_lengths(lengths: list[int]) -> Sequences:
    """Sequences whose items count up through all users."""
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    items = np.arange(offsets[-1], dtype=np.int32)
    users = pl.Series([f"u{index}" for index in range(len(lengths))], dtype=pl.String)
    return Sequences(users, offsets, items, np.zeros(len(items), dtype=np.int64))


def test_the_short_window_stands_first() -> None:
    cut = windows(of_lengths([7, 0, 3, 2]), 3)
    assert [window.tolist() for window in cut] == [[0], [1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11]]
    assert cut.users.to_list() == ["u0", "u0", "u0", "u2", "u3"]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.integers(1, 9))
def test_windows_hold_each_interaction_once_and_never_two_users(
    lengths: list[int], length: int
) -> None:
    log = of_lengths(lengths)
    cut = windows(log, length)
    assert np.array_equal(np.concatenate([[], *cut]), log.items)
    assert ((cut.lengths >= 1) & (cut.lengths <= length)).all()
    assert set(log.offsets) <= set(cut.offsets)


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 9), st.integers(0, 99)
)
def test_shuffled_batches_hold_every_row_once(lengths: list[int], size: int, seed: int) -> None:
    batches = shuffled_batches(np.array(lengths), size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size


def test_batches_waste_little_on_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 51, size=2000)
    batches = shuffled_batches(lengths, 32, np.random.default_rng(0))
    padded = sum(len(rows) * lengths[rows].max() for rows in batches)
    assert padded < 1.1 * lengths.sum()


def test_sorted_batches_hold_every_row_once() -> None:
    batches = list(sorted_batches(np.array([3, 1, 2, 1]), 3))
    assert [rows.tolist() for rows in batches] == [[1, 3, 2], [0]]


def test_padding_stands_on_the_right() -> None:
    items, lengths = right_padded(of_lengths([2, 0, 3]))
    assert items.tolist() == [[0, 1, PAD], [PAD, PAD, PAD], [2, 3, 4]]
    assert lengths.tolist() == [2, 0, 3]
