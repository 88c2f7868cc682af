"""Item-kNN: what those chose who chose the same (Sarwar et al. 2001, doi 10.1145/371920.372071).

Departures from the paper: implicit feedback, so cosine of 0/1 columns and a plain sum over the
history; a popularity term, too small to overrule any neighbour in practice, orders the rest.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy import sparse

from gistrec.baselines.matrix import item_counts, score_in_chunks, user_item_matrix
from gistrec.config.baselines import ItemKnnConfig
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.files import written_aside
from gistrec.progress import track

_FILE = "itemknn.safetensors"
_CHUNK_ITEMS = 1024


class ItemKnn:
    """Scores a candidate by the sum of its similarities to the history's items.

    An item counts through its ``neighbours`` most similar ones only; an item unknown to the
    training log has none and no popularity: it gets 0.
    """

    name = "itemknn"

    def __init__(self, similar: sparse.csr_array, popularity: npt.NDArray[np.float32]) -> None:
        self.similar = similar  # [n_items, n_items]: row = item of a history, column = candidate
        self.popularity = popularity  # [n_items], already weighted

    @classmethod
    def fit(cls, train: Sequences, n_items: int, config: ItemKnnConfig) -> "ItemKnn":
        """Find every item's neighbours in the training log."""
        matrix = user_item_matrix(train, n_items)
        norms = np.sqrt(np.maximum(matrix.sum(axis=0), 1.0))
        unit = (matrix / norms).tocsc().astype(np.float32)
        transposed = unit.T.tocsr()
        starts = range(0, n_items, _CHUNK_ITEMS)
        parts = [
            _strongest(transposed[start : start + _CHUNK_ITEMS] @ unit, start, config.neighbours)
            for start in track(starts, "item neighbours")
        ]
        counts = item_counts(train, n_items)
        weight = config.popularity_weight / max(int(counts.max(initial=0)), 1)
        return cls(sparse.vstack(parts, format="csr"), (counts * weight).astype(np.float32))

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c] or [u, n_items]; the ``Ranker`` contract."""
        return score_in_chunks(histories, candidates, len(self.popularity), self._score_all)

    def save(self, folder: Path) -> None:
        """Write the neighbours into ``folder``."""
        tensors = {
            "values": self.similar.data,
            "columns": self.similar.indices,
            "offsets": self.similar.indptr,
            "popularity": self.popularity,
        }
        with written_aside(folder / _FILE) as aside:
            save_file(tensors, aside)

    @classmethod
    def load(cls, folder: Path) -> "ItemKnn":
        """Read what ``save`` wrote."""
        tensors = load_file(folder / _FILE)
        n_items = len(tensors["popularity"])
        parts = (tensors["values"], tensors["columns"], tensors["offsets"])
        return cls(sparse.csr_array(parts, shape=(n_items, n_items)), tensors["popularity"])

    def _score_all(self, users: sparse.csr_array) -> Scores:
        scores: Scores = (users @ self.similar).toarray() + self.popularity
        return scores


def _strongest(similar: sparse.csr_array, first: int, neighbours: int) -> sparse.csr_array:
    """Keep each row's largest and drop the item itself; row 0 is item ``first``."""
    rows = np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))
    columns, values = similar.indices, similar.data
    other = columns != rows + first
    rows, columns, values = rows[other], columns[other], values[other]
    # Strongest first within a row; equal ones by code, so that the result is always the same.
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < neighbours
    return sparse.csr_array((values[kept], (rows[kept], columns[kept])), shape=similar.shape)
