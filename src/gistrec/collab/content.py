"""Items alike in content."""

from collections.abc import Sequence

import faiss
import numpy as np
from scipy import sparse

from gistrec.progress import track
from gistrec.text.encoder import SentenceEncoder

_CHUNK = 1024  # texts searched for in one call


def alike_items(texts: Sequence[str], encoder: SentenceEncoder, count: int) -> sparse.csr_array:
    """The ``count`` items whose texts are nearest to each item's by cosine, exactly.

    Args:
        texts: one an item.
        encoder: what texts are compared by; a text that it has no vector for is alike to none.
        count: items alike to each, fewer where there are not so many.

    Returns:
        bool [n_items, n_items], true where the column's item is alike to the row's; never itself.
    """
    vectors = np.ascontiguousarray(encoder.encode(texts), dtype=np.float32)
    told = np.flatnonzero(vectors.any(axis=1))
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors[told])
    fetched = min(count + 1, len(told))  # an item finds itself, too
    rows, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in track(range(0, len(told), _CHUNK), "items alike in content"):
        asking = told[start : start + _CHUNK]
        found = told[index.search(vectors[asking], fetched)[1]]
        other = found != asking[:, None]
        # Where many texts are equal an item may not be among its own nearest.
        kept = other & (np.cumsum(other, axis=1) <= count)
        rows.append(np.repeat(asking, kept.sum(axis=1)))
        columns.append(found[kept])
    place = (np.concatenate(rows), np.concatenate(columns))
    marks = np.ones(len(place[0]), dtype=np.bool_)
    return sparse.csr_array((marks, place), shape=(len(texts), len(texts)))
