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
_WIDEST = 4096  # moments fetched at most, before all are looked at


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

    def called(self, names: LongArray) -> "Found":
        """The same with query ``i`` called ``names[i]``."""
        return Found(names[self.query], self.moment, self.similarity)


def find_neighbours(
    base: KnowledgeBase,
    states: States,
    users: pl.Series,
    moments: LongArray,
    item_ids: pl.Series,
    k: int = 3,
    next_items: int = 1,
) -> pl.DataFrame:
    """The ``k`` distinct most similar users of each query by cosine; never itself.

    As exact as the base's index: a flat one finds them all.

    Args:
        base: what is searched.
        states: float32 [u, d], of length one.
        users: String [u], who asks; moments of the same id are left out.
        moments: int64 [u], how many interactions of theirs were known.
        item_ids: str [n_items], the ids behind the item codes.
        k: neighbours a query; 0 gives a table without rows.
        next_items: how many of the items that followed are told, at most.

    Returns:
        One row a (query, neighbour), in the order of the queries: user_id, moment, neighbour,
        similarity, next_items (list of item ids, oldest first), rank (1 is the most similar).
        A query has fewer than ``k`` rows only where the base holds fewer other users.
    """
    selves = np.array([base.user_numbers.get(user, -1) for user in users], dtype=np.int64)
    starts = range(0, len(states) if k else 0, _CHUNK)
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

    Whoever finds too few users in a wider and wider search is searched for exactly.

    Args:
        base: what is searched, by its index.
        states: float32 [q, d], of length one.
        selves: int64 [q], the number of the user who asks, or -1 where the base does not know it.
        k: users a query.
        first: what the first query is called in the answer.
    """
    found: list[Found] = []
    asking, fetch = np.arange(len(states)), k * _FETCH
    while len(asking) and 0 < fetch <= _WIDEST:
        similarity, moment = base.index.search(states[asking], min(fetch, len(base)))
        # An index that finds too few fills up with -1: whoever asks counts as its owner.
        owners = np.where(moment < 0, selves[asking, None], base.owners[moment])
        chosen = _first_of_each(owners, selves[asking], k)
        done = chosen.sum(axis=1) == k
        rows, columns = np.nonzero(chosen & done[:, None])
        found.append(Found(asking[rows], moment[rows, columns], similarity[rows, columns]))
        asking, fetch = asking[~done], fetch * _GROWTH
    found.append(search_exactly(base, states[asking], selves[asking], k).called(asking))
    query = _joined([part.query for part in found])
    order = np.argsort(query, kind="stable")
    return Found(
        query[order] + first,
        _joined([part.moment for part in found])[order],
        np.concatenate([part.similarity for part in found])[order],
    )


def search_exactly(base: KnowledgeBase, states: States, selves: LongArray, k: int) -> Found:
    """As ``search``, over all states, one query after the other."""
    parts = [
        _best_users(base, state, own, k) for state, own in zip(states, selves.tolist(), strict=True)
    ]
    sizes = [len(moment) for moment, _ in parts]
    return Found(
        np.repeat(np.arange(len(parts), dtype=np.int64), sizes),
        _joined([moment for moment, _ in parts]),
        np.concatenate([np.empty(0, np.float32), *(similarity for _, similarity in parts)]),
    )


def _best_users(
    base: KnowledgeBase, state: npt.NDArray[np.float32], own: int, k: int
) -> tuple[LongArray, npt.NDArray[np.float32]]:
    """The best moment of each of the ``k`` best users, and its similarity."""
    similarity = base.states @ state
    best = np.full(len(base.user_numbers), -np.inf, dtype=np.float32)
    np.maximum.at(best, base.owners, similarity)
    if own >= 0:
        best[own] = -np.inf
    users = np.argsort(-best, kind="stable")[:k]
    users = users[np.isfinite(best[users])]
    moments = np.array(
        [np.flatnonzero((base.owners == user) & (similarity == best[user]))[0] for user in users],
        dtype=np.int64,
    )
    return moments, best[users]


def _first_of_each(owners: LongArray, selves: LongArray, k: int) -> npt.NDArray[np.bool_]:
    """Bool [q, f], marks the first moment of each of the first ``k`` users other than oneself."""
    n_queries, fetch = owners.shape
    keys = np.arange(n_queries)[:, None] * (owners.max(initial=0) + 2) + owners + 1
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
