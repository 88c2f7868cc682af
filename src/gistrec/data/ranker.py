"""What every recommender here can do: score candidates for histories."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import IntArray, Sequences

Scores = npt.NDArray[np.float32]
UNRANKED = np.float32(-np.inf)  # a candidate that a ranker's retrieval left out: behind all others


class Ranker(Protocol):
    """Anything that scores candidates for users; higher is better."""

    @property
    def name(self) -> str:
        """How leaderboards call it."""
        ...

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Score items for users.

        Args:
            histories: what is known of u users at the moment of prediction.
            candidates: int32 [u, c] item codes, or None for the whole catalogue.

        Returns:
            float32 [u, c], or [u, n_items] for the whole catalogue; no NaN. Only a ranker that
            retrieves before it scores may give UNRANKED, and only for the whole catalogue.
        """
        ...
