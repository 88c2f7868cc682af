import numpy as np
import pytest
import torch
from hm4sr_cases import sequences
from hypothesis import given
from hypothesis import strategies as st

from gistrec.baselines.hm4sr.batch import Batch
from gistrec.baselines.hm4sr.clock import Clock, gaps, tells_times
from gistrec.data.sequences import PAD

TIMES = st.lists(st.integers(-(2**40), 2**41), min_size=0, max_size=6)


@given(rows=st.lists(TIMES, min_size=1, max_size=5), asked=st.lists(TIMES, min_size=1, max_size=5))
def test_no_interval_is_negative_or_beyond_the_clock(
    rows: list[list[int]], asked: list[list[int]]
) -> None:
    if not any(rows):
        rows = [[0]]
    clock = Clock.of(sequences([[0] * len(row) for row in rows], rows))
    # Any order, any length, empty users between others.
    histories = sequences([[0] * len(row) for row in asked], asked)
    assert (gaps(histories) >= 0).all()
    batch = Batch.of(histories, 1, clock, torch.device("cpu"))
    assert ((batch.intervals >= 0) & (batch.intervals < clock.buckets)).all()
    assert (batch.intervals[batch.items == PAD] == 0).all()
    assert torch.isfinite(batch.moments).all()


def test_an_interval_is_a_hundredth_of_a_doubling_since_the_item_before() -> None:
    log = sequences([[0, 1, 2], [3, 4]], [[1000, 1007, 1007], [5000, 6023]])
    assert gaps(log).tolist() == [0, 7, 0, 0, 1023]
    clock = Clock.of(log)
    assert clock.intervals(log).tolist() == [0, 100 * 3, 0, 0, 100 * 10]
    assert clock.buckets == 100 * 10 + 1
    longer = sequences([[0, 1]], [[0, 10**9]])
    assert clock.intervals(longer).tolist() == [0, 100 * 10]


def test_moments_are_told_in_a_length_that_knows_no_unit() -> None:
    seconds = sequences([[0, 1, 2]], [[1000, 2000, 5000]])
    days = sequences([[0, 1, 2]], [[1, 2, 5]])
    for log in (seconds, days):
        np.testing.assert_allclose(Clock.of(log).moments(log), [0, 365 / 4, 365])


def test_the_marker_has_no_time_and_padding_none_either() -> None:
    log = sequences([[5, 6, 7], [8]], [[100, 200, 300], [400]])
    batch = Batch.of(log, 9, Clock.of(log), torch.device("cpu"))
    assert batch.items.tolist() == [[9, 5, 6, 7], [9, 8, PAD, PAD]]
    assert batch.moments[:, 0].tolist() == [0, 0]
    assert batch.moments[1].tolist() == [0, 365, 0, 0]
    assert batch.lengths.tolist() == [3, 1]
    before = batch.without_last()
    assert before.items.tolist() == [[9, 5, 6], [9, 8, PAD]]
    assert before.lengths.tolist() == [2, 1]
    assert before.real.tolist() == [[False, True, True], [False, True, False]]


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([[0, 1, 2, 3], [0, 1, 2]], False),  # positions
        ([[1, 2, 4, 5], [1, 2, 3]], False),  # positions, an item having left the log
        ([[0, 0, 0], [0, 0]], False),  # nothing at all
        ([[7], [9]], False),  # no step to look at
        ([[0, 3600, 9000], [50, 90]], True),
        ([[3, 3, 4, 5], [8, 8]], True),  # days: two items on one
    ],
)
def test_positions_are_no_times(times: list[list[int]], told: bool) -> None:
    assert tells_times(sequences([[0] * len(row) for row in times], times)) is told
