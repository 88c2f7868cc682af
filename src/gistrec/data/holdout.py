"""Where each user's log is cut: what trains, and at which positions the user is asked.

Each kind of split cuts in its own way and gives the same `Holdout`; positions count from 0 within
a user's sequence, NONE stands for a question that is not asked.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import LongArray, Sequences

Mask = npt.NDArray[np.bool_]
NONE = -1


@dataclass(frozen=True)
class Holdout:
    """One way to hold out the future of u users.

    Attributes:
        trained: int64 [u], how many of a user's first items train.
        valid: int64 [u], position of the validation positive, or NONE.
        test: int64 [u], position of the test positive, or NONE.
        cold: int64 [u], position of the cold test positive, or NONE.
        left_out: why users that should have been asked are not, and how many.
    """

    trained: LongArray
    valid: LongArray
    test: LongArray
    cold: LongArray
    left_out: tuple[tuple[str, int], ...]


def last_where(log: Sequences, wanted: Mask) -> LongArray:
    """int64 [u], the last position of each user that ``wanted`` (bool [n], by event) marks."""
    return _extreme(log, wanted, last=True)


def first_where(log: Sequences, wanted: Mask) -> LongArray:
    """int64 [u], the first position of each user that ``wanted`` (bool [n], by event) marks."""
    return _extreme(log, wanted, last=False)


def positions(log: Sequences) -> LongArray:
    """int64 [n], the position of each event within its user's sequence."""
    return np.arange(len(log.items), dtype=np.int64) - np.repeat(log.offsets[:-1], log.lengths)


def only_with_history(asked: LongArray) -> LongArray:
    """``asked`` (int64 [u]) without questions at a user's very first event."""
    return np.where(asked >= 1, asked, NONE)


def _extreme(log: Sequences, wanted: Mask, *, last: bool) -> LongArray:
    events = np.flatnonzero(wanted)
    if not last:
        events = events[::-1]  # of many values put into one place the last one stays
    users = np.searchsorted(log.offsets, events, side="right") - 1
    found = np.full(len(log), NONE, dtype=np.int64)
    found[users] = events - log.offsets[users]
    return found
