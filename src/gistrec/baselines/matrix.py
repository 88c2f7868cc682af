"""The user x item matrix, and scoring by a product with it."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gistrec.data.incidence import incidence
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences

_CHUNK_SCORES = 16_000_000  # how many scores are held beside the result at a time


def user_item_matrix(sequences: Sequences, n_items: int) -> sparse.csr_array:
    """Float32 [u, n_items]: 1 where a user has the item, however often."""
    return incidence(sequences, n_items).astype(np.float32)


def score_in_chunks(
    histories: Sequences,
    candidates: IntArray | None,
    n_items: int,
    score_all: Callable[[sparse.csr_array], Scores],
) -> Scores:
    """Score users a chunk at a time, so that memory does not grow with users x items.

    Args:
        histories: of u users.
        candidates: int32 [u, c], or None for all items.
        n_items: size of the catalogue.
        score_all: from a chunk's user x item matrix to float32 [chunk, n_items].
    """
    columns = n_items if candidates is None else candidates.shape[1]
    scores = np.empty((len(histories), columns), dtype=np.float32)
    step = max(1, _CHUNK_SCORES // n_items)
    for start in range(0, len(histories), step):
        rows = np.arange(start, min(start + step, len(histories)))
        part = score_all(user_item_matrix(histories.take(rows), n_items))
        scores[rows] = (
            part if candidates is None else np.take_along_axis(part, candidates[rows], axis=1)
        )
    return scores


def item_counts(sequences: Sequences, n_items: int) -> npt.NDArray[np.int64]:
    """Int64 [n_items]: how many interactions each item has."""
    return np.bincount(sequences.items, minlength=n_items)
