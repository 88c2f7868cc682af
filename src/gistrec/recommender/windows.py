"""Training windows: a training user at a moment, what came next, and negatives beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import IntArray, LongArray, Sequences

_DRAW_STREAM, _NEGATIVE_STREAM = 6101, 6102
_BUCKET = 50  # batches sorted by length together: less padding, order still random


@dataclass(frozen=True)
class Windows:
    """w windows.

    Attributes:
        rows: int64 [w], rows of the training log.
        moments: int64 [w], how many of the user's items are known; at least one.
    """

    rows: LongArray
    moments: LongArray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: npt.NDArray[np.int64]) -> "Windows":
        """The windows at ``places``."""
        return Windows(self.rows[places], self.moments[places])


def draw_windows(train: Sequences, most: int | None, seed: int | Sequence[int]) -> Windows:
    """All windows of the log, or ``most`` of them at random without repetition."""
    counts = np.maximum(train.lengths - 1, 0)
    rows = np.repeat(np.arange(len(train)), counts)
    moments = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    if most is not None and most < len(rows):
        seeds = [seed] if isinstance(seed, int) else seed
        rng = np.random.default_rng([*seeds, _DRAW_STREAM])
        kept = np.sort(rng.choice(len(rows), most, replace=False))
        rows, moments = rows[kept], moments[kept]
    return Windows(rows, moments)


def spread(count: int, wanted: int, seed: list[int]) -> LongArray:
    """``wanted`` of the places 0 to ``count`` - 1, each as often as any other.

    Args:
        count: at least one, where any are wanted.
        wanted: may be more than there are.
        seed: decides which of them are there once more than others.

    Returns:
        int64 [wanted], whole rounds first, places rising.
    """
    whole, rest = divmod(wanted, count) if wanted else (0, 0)
    drawn = np.random.default_rng(seed).choice(count, rest, replace=False)
    return np.concatenate([np.tile(np.arange(count), whole), np.sort(drawn)]).astype(np.int64)


def in_batches(lengths: LongArray, size: int, seed: list[int]) -> list[LongArray]:
    """Places of each batch's examples: random, with those of like length together.

    Args:
        lengths: int64 [n], of the examples.
        size: examples in a batch.
        seed: of the order.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(lengths))
    stretch = size * _BUCKET
    batches = []
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def positives(train: Sequences, windows: Windows) -> IntArray:
    """What came next in each window, int32 [w]."""
    return train.items[train.offsets[windows.rows] + windows.moments].astype(np.int32)


def with_negatives(
    train: Sequences, windows: Windows, known: npt.NDArray[np.int64], count: int, seed: list[int]
) -> IntArray:
    """The positive of each window, then ``count`` items that its user never touched.

    Args:
        train: the training log.
        windows: w windows of it.
        known: int64 [m], the item codes that occur in it: negatives are drawn uniformly of these.
        count: negatives a window; they are drawn with repetition.
        seed: of the draw.

    Returns:
        int32 [w, 1 + count]. A user who touched nearly everything may meet an item of theirs.
    """
    rng = np.random.default_rng([*seed, _NEGATIVE_STREAM])
    drawn = rng.choice(known, (len(windows), count))
    n_items = int(max(known.max(), train.items.max())) + 1
    touched = np.unique(train.rows() * n_items + train.items)
    for _ in range(20):
        keys = windows.rows[:, None] * n_items + drawn
        places = np.searchsorted(touched, keys).clip(max=len(touched) - 1)
        clash = touched[places] == keys
        if not clash.any():
            break
        drawn[clash] = rng.choice(known, int(clash.sum()))
    return np.concatenate([positives(train, windows)[:, None], drawn], axis=1).astype(np.int32)
