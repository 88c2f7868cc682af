"""Items that leave the training log altogether, to see what a system knows of them without it."""

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import Sequences

_STREAM = 12  # of the random numbers that draw items


def draw_cold_items(
    log: Sequences, n_items: int, fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Mark (bool [n_items]) a share of the items with interactions, at least one unless it is 0."""
    cold = np.zeros(n_items, dtype=np.bool_)
    if fraction:
        seen = np.flatnonzero(np.bincount(log.items, minlength=n_items))
        keys = np.random.default_rng([seed, _STREAM]).random(n_items)[seen]
        cold[seen[np.argsort(keys, kind="stable")[: max(1, round(fraction * len(seen)))]]] = True
    return cold
