"""How states are searched: exactly, or approximately where there are many."""

from typing import Any, Literal

import faiss
import numpy as np
import numpy.typing as npt

from gistrec.config.collab import CollabConfig

IndexKind = Literal["flat", "hnsw", "ivf"]
_LINKS, _BUILD_BREADTH, _SEARCH_BREADTH = 16, 40, 512  # of a graph
_LISTS_A_ROOT = 4  # inverted lists: so many times the root of the number of states
_SAMPLE = 64  # states a list that the lists' centres are learned from
_PROBED = 1 / 16  # share of the lists that a query looks into
_FEWEST_PROBED = 8


def index_kind(config: CollabConfig, states: int) -> IndexKind:
    """What ``config.index`` comes to for so many states."""
    if config.index != "auto":
        return config.index
    return "flat" if states <= config.exact_up_to else "hnsw"


def make_index(states: npt.NDArray[np.float32], kind: IndexKind) -> Any:
    """A FAISS index of states of length one (float32 [n, d]) by inner product.

    `flat` is exact. `hnsw` walks a graph of near states: quickest to ask, slow to build; built on
    several threads it differs a little from time to time. `ivf` looks into the lists whose centres
    are nearest: quick to build, and always the same.
    """
    width = states.shape[1]
    index: Any
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _BUILD_BREADTH
        index.hnsw.efSearch = _SEARCH_BREADTH
    elif kind == "ivf":
        lists = max(1, min(int(_LISTS_A_ROOT * len(states) ** 0.5), len(states) // _SAMPLE))
        centres = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFFlat(centres, width, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.max_points_per_centroid = _SAMPLE
        index.cp.min_points_per_centroid = 1  # a few states in one list are no reason to warn
        index.nprobe = min(lists, max(_FEWEST_PROBED, int(lists * _PROBED)))
        index.train(states)
    else:
        index = faiss.IndexFlatIP(width)
    index.add(states)
    return index
