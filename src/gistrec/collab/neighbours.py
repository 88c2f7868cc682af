"""The most similar users at some known moment of theirs, and what they chose next."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from gistrec import schema
from gistrec.collab.knowledge_base import KnowledgeBase, States
from gistrec.data.sequences import LongArray
from gistrec.progress import track

_CHUNK = 1024  # queries searched in one call
_FETCH = 8  # moments fetched at first for each neighbour wanted: a user may fill several
_GROWTH = 8  # how much more is fetched for those who found too few


@dataclass(frozen=True)
class Found:
    """Neighbours found, one entry a (query, neighbour), by query and falling similarity.

    Attributes:
        query: int64 [f], row of the query.
        moment: int64 [f], row of the knowledge base.
        similarity: float32 [f], cosine.
    """

    query: LongArray
    moment: LongArray
    similarity: npt.NDArray[np.float32]


def find_neighbours(
    base: KnowledgeBase,
    states: States,
    users: pl.Series,
    moments: LongArray,
    item_ids: pl.Series,
    k: int = 3,
    next_items: int = 1,
) -> pl.DataFrame:
    """The ``k`` distinct most similar users of each query by cosine, exactly; never itself.

    Args:
        base: what is searched.
        states: float32 [u, d], of length one.
        users: String [u], who asks; moments of the same id are left out.
        moments: int64 [u], how many interactions of theirs were known.
        item_ids: str [n_items], the ids behind the item codes.
        k: neighbours a query.
        next_items: how many of the items that followed are told, at most.

    Returns:
        One row a (query, neighbour), in the order of the queries: user_id, moment, neighbour,
        similarity, next_items (list of item ids, oldest first), rank (1 is the most similar).
        A query has fewer than ``k`` rows only where the base holds fewer other users.
    """
    selves = np.array([base.user_numbers.get(user, -1) for user in users], dtype=np.int64)
    starts = range(0, len(states), _CHUNK)
    parts = [
        search(base, states[at : at + _CHUNK], selves[at : at + _CHUNK], k, first=at)
        for at in track(starts, "searching similar users")
    ]
    query = _joined([part.query for part in parts])
    hit = _joined([part.moment for part in parts])
    order = np.arange(len(query)) - np.searchsorted(query, query, "left") + 1
    return pl.DataFrame(
        {
            schema.USER_ID: users.gather(query),
            schema.MOMENT: np.asarray(moments, dtype=np.int64)[query],
            schema.NEIGHBOUR: base.train.users.gather(base.rows[hit]),
            schema.SIMILARITY: np.concatenate(
                [np.empty(0, np.float32), *(part.similarity for part in parts)]
            ),
            schema.NEXT_ITEMS: _followed(base, hit, item_ids, next_items),
            schema.RANK: order,
        }
    )


def search(base: KnowledgeBase, states: States, selves: LongArray, k: int, first: int = 0) -> Found:
    """Search one batch: the best moment of each of the ``k`` best users other than oneself.

    ``selves`` (int64 [q]) holds the number of the user who asks, or -1 where the base does not
    know it; ``first`` is what the first query is called in the answer.
    """
    found: list[Found] = []
    asking, fetch = np.arange(len(states)), min(k * _FETCH, len(base))
    while len(asking):
        similarity, moment = base.index.search(states[asking], fetch)
        chosen = _first_of_each(base.owners[moment], selves[asking], k)
        done = (chosen.sum(axis=1) == k) | (fetch == len(base))
        rows, columns = np.nonzero(chosen & done[:, None])
        found.append(Found(asking[rows], moment[rows, columns], similarity[rows, columns]))
        asking, fetch = asking[~done], min(fetch * _GROWTH, len(base))
    query = _joined([part.query for part in found])
    order = np.argsort(query, kind="stable")
    return Found(
        query[order] + first,
        _joined([part.moment for part in found])[order],
        np.concatenate([part.similarity for part in found])[order]
        if found
        else np.empty(0, np.float32),
    )


def _first_of_each(owners: LongArray, selves: LongArray, k: int) -> npt.NDArray[np.bool_]:
    """Bool [q, f], marks the first moment of each of the first ``k`` users other than oneself."""
    n_queries, fetch = owners.shape
    keys = np.arange(n_queries)[:, None] * (owners.max(initial=0) + 1) + owners
    leading = np.zeros(n_queries * fetch, dtype=np.bool_)
    leading[np.unique(keys, return_index=True)[1]] = True
    other = leading.reshape(n_queries, fetch) & (owners != selves[:, None])
    chosen: npt.NDArray[np.bool_] = other & (np.cumsum(other, axis=1) <= k)
    return chosen


def _followed(base: KnowledgeBase, hit: LongArray, item_ids: pl.Series, count: int) -> pl.Series:
    """What followed each moment, as lists of item ids."""
    rows = base.rows[hit]
    start = base.train.offsets[rows] + base.moments[hit]
    lengths = np.minimum(base.train.offsets[rows + 1] - start, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    codes = base.train.items[np.repeat(start, lengths) + within]
    lists = pa.LargeListArray.from_arrays(offsets, item_ids.gather(codes).to_arrow())
    return pl.Series(schema.NEXT_ITEMS, lists, dtype=pl.List(pl.String))


def _joined(parts: list[LongArray]) -> LongArray:
    return np.concatenate([np.empty(0, np.int64), *parts])
