"""Times of interactions as HM4SR reads them: since the one before, and since the log began."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import LongArray, Sequences

_BUCKETS_A_DOUBLING = 100  # of the time since the item before
_LENGTH = 365.0  # what the training log's duration is set to, whatever the unit of timestamps


@dataclass(frozen=True)
class Clock:
    """How timestamps are read; taken from the training log.

    Attributes:
        first: the earliest timestamp.
        duration: from there to the latest, at least 1.
        buckets: of times between two items; the last one holds all longer ones too.
    """

    first: int
    duration: int
    buckets: int

    @classmethod
    def of(cls, train: Sequences) -> "Clock":
        """The clock of a training log that is not empty."""
        first, latest = int(train.timestamps.min()), int(train.timestamps.max())
        longest = int(_bucket(gaps(train)).max())
        return cls(first, max(1, latest - first), longest + 1)

    def intervals(self, sequences: Sequences) -> LongArray:
        """Int64 [n], each item's bucket of the time since the one before; 0 for the first."""
        return np.minimum(_bucket(gaps(sequences)), self.buckets - 1)

    def moments(self, sequences: Sequences) -> npt.NDArray[np.float32]:
        """Float32 [n], each item's time since the log began."""
        since = (sequences.timestamps - self.first) / self.duration
        return (_LENGTH * since).astype(np.float32)


def gaps(sequences: Sequences) -> LongArray:
    """Int64 [n], the time since the user's item before, 0 for the first; never negative."""
    found = np.diff(sequences.timestamps, prepend=sequences.timestamps[:1])
    starts = sequences.offsets[:-1][sequences.lengths > 0]
    found[starts] = 0
    return np.asarray(np.maximum(found, 0), dtype=np.int64)


def tells_times(train: Sequences) -> bool:
    """Whether timestamps are times, and no mere positions in users' logs.

    Positions are whole steps of one: where items have left a log some steps are larger, but most
    are not. Timestamps that are all alike tell nothing either.
    """
    within = np.ones(len(train.items), dtype=np.bool_)
    within[train.offsets[:-1][train.lengths > 0]] = False
    steps = gaps(train)[within]
    if not steps.any():
        return False
    return not (steps.min() >= 1 and (steps == 1).mean() > 0.5)


def _bucket(found: LongArray) -> LongArray:
    doublings = np.log2(found + 1.0)
    return np.asarray(np.floor(_BUCKETS_A_DOUBLING * doublings), dtype=np.int64)
