import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_cases import fickle, sequences

from gistrec.data.sequences import Sequences
from gistrec.recommender.windows import (
    Windows,
    draw_windows,
    in_batches,
    spread,
    with_negatives,
)

histories = st.lists(st.integers(0, 29), min_size=1, max_size=9, unique=True)
logs = st.lists(histories, min_size=1, max_size=8).map(sequences)
seeds = st.integers(0, 9)


def pairs(windows: Windows) -> list[tuple[int, int]]:
    return list(zip(windows.rows.tolist(), windows.moments.tolist(), strict=True))


@given(log=logs)
def test_every_moment_with_a_past_and_a_next_is_a_window(log: Sequences) -> None:
    expected = [(row, at) for row in range(len(log)) for at in range(1, len(log[row]))]
    assert pairs(draw_windows(log, None, 0)) == expected


@given(log=logs, most=st.integers(1, 20), seed=seeds)
def test_drawn_windows_are_windows_once_each(log: Sequences, most: int, seed: int) -> None:
    everything = pairs(draw_windows(log, None, 0))
    drawn = pairs(draw_windows(log, most, seed))
    assert len(drawn) == min(most, len(everything))
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= set(everything)
    assert drawn == pairs(draw_windows(log, most, seed))


def test_other_seeds_draw_other_windows() -> None:
    log = fickle(40, 0)
    assert pairs(draw_windows(log, 30, 1)) != pairs(draw_windows(log, 30, 2))


@given(log=logs, count=st.integers(1, 6), seed=seeds)
def test_negatives_are_known_items_that_the_user_never_touched(
    log: Sequences, count: int, seed: int
) -> None:
    """Items 30 to 39 are known from nobody here, so there is always something left to draw."""
    known = np.concatenate([np.unique(log.items), np.arange(30, 40)])
    windows = draw_windows(log, None, 0)
    drawn = with_negatives(log, windows, known, count, [seed, 0])
    assert drawn.shape == (len(windows), 1 + count)
    assert drawn.dtype == np.int32
    for (row, moment), candidates in zip(pairs(windows), drawn, strict=True):
        assert candidates[0] == log[row][moment]
        assert not set(candidates[1:]) & set(log[row])
        assert set(candidates[1:]) <= set(known)
    assert np.array_equal(drawn, with_negatives(log, windows, known, count, [seed, 0]))


def test_negatives_are_uniform_and_drawn_anew_each_epoch() -> None:
    """2000 users of one item of 11: each of the others is drawn for a tenth of them."""
    log = sequences([[0, 1]] * 2000)
    windows = draw_windows(log, None, 0)
    drawn = [with_negatives(log, windows, np.arange(12), 1, [0, epoch])[:, 1] for epoch in (0, 1)]
    assert not np.array_equal(*drawn)
    counts = np.bincount(drawn[0], minlength=12)
    assert counts[:2].tolist() == [0, 0]
    assert counts[2:] == pytest.approx(2000 / 10, abs=5 * (2000 * 0.1 * 0.9) ** 0.5)


@given(lengths=st.lists(st.integers(1, 9), max_size=60), size=st.integers(1, 7), seed=seeds)
def test_batches_hold_every_example_once(lengths: list[int], size: int, seed: int) -> None:
    batches = in_batches(np.array(lengths, dtype=np.int64), size, [seed])
    flat = [place for batch in batches for place in batch.tolist()]
    assert sorted(flat) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)
    again = in_batches(np.array(lengths, dtype=np.int64), size, [seed])
    assert all(map(np.array_equal, batches, again))


def test_batches_are_of_like_length_and_differ_between_seeds() -> None:
    """Moments 1 to 8, 25 windows of each: a batch of 5 mixes two lengths at the most."""
    moments = draw_windows(sequences([list(range(9))] * 25), None, 0).moments
    batches = in_batches(moments, 5, [0, 0])
    assert max(np.ptp(moments[batch]) for batch in batches) <= 1
    assert [b.tolist() for b in batches] != [b.tolist() for b in in_batches(moments, 5, [0, 1])]
    firsts = [int(moments[batch[0]]) for batch in batches]
    assert firsts != sorted(firsts)


@given(count=st.integers(1, 20), wanted=st.integers(0, 70), seed=seeds)
def test_places_are_spread_evenly(count: int, wanted: int, seed: int) -> None:
    places = spread(count, wanted, [seed])
    assert len(places) == wanted
    times = np.bincount(places, minlength=count)
    assert len(times) == count
    assert times.max() - times.min() <= 1
    assert np.array_equal(places, spread(count, wanted, [seed]))


def test_all_places_once_are_in_order_and_some_are_drawn_by_the_seed() -> None:
    assert spread(30, 30, [0]).tolist() == list(range(30))
    assert spread(0, 0, [0]).tolist() == []
    assert spread(30, 10, [0]).tolist() != spread(30, 10, [1]).tolist()
