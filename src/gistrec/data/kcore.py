"""The k-core of a log: users and items with too few interactions fall out until none is left."""

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec import schema
from gistrec.data.sequences import IntArray


def core_mask(users: IntArray, items: IntArray, k: int) -> npt.NDArray[np.bool_]:
    """The interactions (bool [n]) whose user and item both keep at least ``k`` of those marked.

    Args:
        users: int [n], codes from 0.
        items: int [n], codes from 0.
        k: 0 or 1 keep all.
    """
    kept = np.ones(len(users), dtype=np.bool_)
    while True:
        before = np.count_nonzero(kept)
        for codes in (users, items):
            enough = np.bincount(codes[kept], minlength=int(codes.max(initial=-1)) + 1) >= k
            kept &= enough[codes]
        if np.count_nonzero(kept) == before:
            return kept


def k_core(interactions: pl.DataFrame, k: int) -> pl.DataFrame:
    """The rows of ``interactions`` (user_id, item_id, ...) that are in the k-core, in order."""
    columns = (schema.USER_ID, schema.ITEM_ID)
    ranks = interactions.select(pl.col(columns).rank("dense").cast(pl.Int32) - 1)
    users, items = (ranks[column].to_numpy() for column in columns)
    return interactions.filter(pl.Series(core_mask(users, items, k)))
