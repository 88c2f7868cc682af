"""Evidence on some candidates told as if nobody had chosen them yet.

The training log holds every candidate of a training window. A recommender that never met an unknown
one would take the word itself for or against an item; told so of positives and negatives alike, it
learns that the word says nothing, and goes by what is alike and by the gist.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gistrec.collab.told import Support, Told

_STREAM = 5102  # keeps this draw apart from every other use of the same seed


def some_as_if_cold(told: Told, share: float, seed: Sequence[int]) -> Told:
    """``told`` with a random ``share`` of its pairs unknown to the log, the same for the same seed.

    What something alike says of a candidate stays: so it is with items that are cold indeed.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    known = rng.random(int(told.offsets[-1])) >= share

    def kept(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.where(known, values, 0)

    shared = told.shared and Support(kept(told.shared.users), kept(told.shared.places))
    return replace(
        told,
        shared=shared,
        encoder=None if told.encoder is None else kept(told.encoder),
        popularity=None if told.popularity is None else kept(told.popularity),
    )
