import numpy as np
import polars as pl

from gistrec.baselines.popularity import Popularity
from gistrec.data.sequences import Sequences


def test_scores_are_counts_for_everybody() -> None:
    items = np.array([2, 0, 2, 2, 1], dtype=np.int32)
    offsets = np.array([0, 3, 5], dtype=np.int64)
    log = Sequences(pl.Series(["a", "b"]), offsets, items, np.zeros(5, dtype=np.int64))
    popularity = Popularity.fit(log, 4)
    assert popularity.score(log, None).tolist() == [[1, 1, 3, 0], [1, 1, 3, 0]]
    candidates = np.array([[3, 2], [0, 1]], dtype=np.int32)
    assert popularity.score(log, candidates).tolist() == [[0, 3], [1, 1]]
