"""What an evaluation asks: histories, what really came next, and what it is ranked among."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import IntArray, Sequences


@dataclass(frozen=True)
class Queries:
    """u questions "what comes next?" with known answers.

    Attributes:
        histories: what was known of each user at that moment; never empty.
        positives: int32 [u], the item that really came next.
        candidates: int32 [u, 1 + negatives], the positive in column 0; fixed by the split's seed.
        pool: bool [n_items], the items that full ranking ranks among (less the user's history).
    """

    histories: Sequences
    positives: IntArray
    candidates: IntArray
    pool: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positives)

    def take(self, indices: npt.ArrayLike) -> "Queries":
        """The questions at ``indices`` (int [m])."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Queries(
            self.histories.take(chosen), self.positives[chosen], self.candidates[chosen], self.pool
        )
