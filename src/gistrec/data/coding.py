"""From ids to codes, users by first appearance and items by their row; and a log in time order."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.sequences import IntArray, LongArray

UNKNOWN = -1


@dataclass(frozen=True)
class Coded:
    """An interaction log in numbers.

    Attributes:
        users: String series, every user once, by first appearance.
        user_codes: int32 [n], rows of ``users``; UNKNOWN for a null id.
        item_codes: int32 [n], rows of the items table; UNKNOWN where it has no such item.
        timestamps: int64 [n]; 0 where null.
    """

    users: pl.Series
    user_codes: IntArray
    item_codes: IntArray
    timestamps: LongArray

    def take(self, rows: LongArray) -> "Coded":
        """The interactions at ``rows`` (int64 [m]); the users stay."""
        return Coded(
            self.users, self.user_codes[rows], self.item_codes[rows], self.timestamps[rows]
        )


@dataclass(frozen=True)
class TimeOrder:
    """How a log is brought in order.

    Attributes:
        rows: int64 [n], stable by user and then time; None where the log has this order already.
        late: int64 [m], rows that are earlier than the row before them of the same user.
    """

    rows: LongArray | None
    late: LongArray


def coded(interactions: pl.DataFrame, item_ids: pl.Series) -> Coded:
    """Code a log; of an item id that stands twice the first row counts."""
    users = interactions[schema.USER_ID].drop_nulls().unique(maintain_order=True)
    return Coded(
        users,
        codes_of(interactions[schema.USER_ID], users),
        codes_of(interactions[schema.ITEM_ID], item_ids),
        interactions[schema.TIMESTAMP].fill_null(0).to_numpy(),
    )


def codes_of(ids: pl.Series, known: pl.Series) -> IntArray:
    """int32 [n], the first place of each of ``ids`` in ``known``; UNKNOWN where it has none."""
    first = known.is_first_distinct() & known.is_not_null()
    distinct = pl.Enum(known.filter(first))  # polars looks categories up by hash
    ranks = ids.cast(distinct, strict=False).to_physical().cast(pl.Int32)
    places = first.arg_true().cast(pl.Int32).gather(ranks)
    return places.fill_null(UNKNOWN).to_numpy()


def time_order(log: Coded) -> TimeOrder:
    """How to bring ``log`` in the order of users' first appearance, then time, then row."""
    users, times = log.user_codes, log.timestamps
    grouped = None
    if (np.diff(users) < 0).any():
        grouped = np.argsort(users, kind="stable")
        users, times = users[grouped], times[grouped]
    late = 1 + np.flatnonzero((np.diff(users) == 0) & (np.diff(times) < 0))
    if not len(late):
        return TimeOrder(grouped, late)
    if grouped is not None:
        late = np.sort(grouped[late])
    return TimeOrder(np.lexsort((log.timestamps, log.user_codes)), late)
