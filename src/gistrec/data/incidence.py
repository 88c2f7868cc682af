"""Who has which item, as a sparse matrix of users and items."""

import numpy as np
from scipy import sparse

from gistrec.data.sequences import Sequences


def incidence(sequences: Sequences, n_items: int) -> sparse.csr_array:
    """Int8 [b, n_items], 1 where a user has the item, however often; columns ascending."""
    # int64 until the repeated ones are one, and a copy: sorting would sort the sequences.
    parts = (np.ones(len(sequences.items), np.int64), sequences.items, sequences.offsets)
    matrix = sparse.csr_array(parts, shape=(len(sequences), n_items), copy=True)
    matrix.sum_duplicates()
    ones = np.ones(matrix.nnz, dtype=np.int8)
    return sparse.csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape)
