"""Where items stand in rankings of the whole catalogue."""

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import LongArray


def places(
    scores: npt.NDArray[np.float32],
    barred: npt.NDArray[np.bool_],
    rows: LongArray,
    codes: LongArray,
) -> LongArray:
    """The places of some items, 1 for the best.

    Args:
        scores: float32 [b, n_items], higher is better.
        barred: bool [b, n_items], items that take no place before another.
        rows: int64 [p], the ranking of each pair.
        codes: int64 [p], its item; it may be barred itself.

    Returns:
        int64 [p], one more than the items with a higher score.
    """
    rising = np.sort(np.where(barred, -np.inf, scores), axis=1)
    found: LongArray = 1 + scores.shape[1] - _not_higher(rising, rows, scores[rows, codes])
    return found


def _not_higher(
    rising: npt.NDArray[np.float32], rows: LongArray, values: npt.NDArray[np.float32]
) -> LongArray:
    """Int64 [p], how many of each row are at most the value: a binary search of all at once."""
    size = rising.shape[1]
    low = np.zeros(len(rows), dtype=np.int64)
    high = np.full(len(rows), size, dtype=np.int64)
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        above = (middle == size) | (rising[rows, np.minimum(middle, size - 1)] > values)
        low = np.where(above, low, middle + 1)
        high = np.where(above, middle, high)
        low = np.minimum(low, high)
    return low
