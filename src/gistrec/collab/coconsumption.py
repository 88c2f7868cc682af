"""Who of the training log chose what histories hold, with one user's own interactions left out.

Item-to-item strength is the cosine of 0/1 columns (Sarwar et al. 2001, doi
10.1145/371920.372071), summed over the history.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gistrec.data.incidence import incidence
from gistrec.data.sequences import LongArray, Sequences

_COUNT_BITS = 20
_COUNT = (1 << _COUNT_BITS) - 1
_ROUNDING = 1e-9  # far below any strength: one over the geometric mean of two counts
_ENTRIES = 1 << 21  # (pair, user) entries counted at a time


@dataclass(frozen=True)
class CoConsumption:
    """The training log as matrices, with a last user without items: what row -1 means.

    Attributes:
        train: the log, one row a user.
        by_user: int8 [u + 1, n_items], 1 where a user has the item.
        by_item: the same the other way round, [n_items, u + 1].
    """

    train: Sequences
    by_user: sparse.csr_array
    by_item: sparse.csr_array

    @classmethod
    def of_log(cls, train: Sequences, n_items: int) -> Self:
        """The matrices of ``train``."""
        by_user = incidence(train, n_items)
        nobody = sparse.csr_array((1, n_items), dtype=np.int8)
        by_user = sparse.csr_array(sparse.vstack([by_user, nobody], format="csr"))
        by_item = by_user.T.tocsr()
        by_item.sort_indices()
        return cls(train, by_user, by_item)

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return int(self.by_item.shape[0])

    def owners(self, histories: Sequences) -> LongArray:
        """int64 [b], the row of the user with the same id, -1 where the log does not know it."""
        return np.array([self._row_of.get(user, -1) for user in histories.users], dtype=np.int64)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.train.users)}

    def counts(self, owners: LongArray) -> LongArray:
        """int64 [b, n_items], training users of each item less the owner."""
        chosen = np.diff(self.by_item.indptr).astype(np.int64)
        counts: LongArray = chosen - self.by_user[owners].toarray()
        return counts

    def sharing(self, recent: sparse.csr_array, owners: LongArray) -> LongArray:
        """int64 [b, u + 1], the ``signatures`` of the history items that each user has too.

        ``recent`` is [b, n_items], non-zero where a history holds the item. The owner has none.
        """
        shared: LongArray = (signatures(recent) @ self.by_item).toarray()
        shared[np.arange(len(owners)), owners] = 0
        return shared

    def strengths(
        self, recent: sparse.csr_array, owners: LongArray, counts: LongArray
    ) -> npt.NDArray[np.float64]:
        """Float64 [b, n_items], each item's cosines with the history's other items, summed.

        ``counts`` is what ``counts`` gives for the owners. Users are added up in the same order
        whoever is left out, so that leaving out is exact.
        """
        lengths = np.sqrt(np.maximum(counts, 1))
        rows = np.repeat(np.arange(len(owners)), np.diff(recent.indptr))
        weights = np.where(counts[rows, recent.indices] > 0, 1 / lengths[rows, recent.indices], 0)
        weighted = sparse.csr_array((weights, recent.indices, recent.indptr), shape=recent.shape)
        users = (weighted @ self.by_item).toarray()
        users[np.arange(len(owners)), owners] = 0
        found = (self.by_item @ np.ascontiguousarray(users.T)).T / lengths
        # Every item is its own best companion: that says nothing.
        found[rows, recent.indices] -= weights > 0
        strengths: npt.NDArray[np.float64] = np.where(found > _ROUNDING, found, 0)
        return strengths


def signatures(marked: sparse.csr_array) -> sparse.csr_array:
    """Int64, numbers for the marked items (columns) whose sum tells two things.

    Its lower bits hold how many items were summed; where that is one, its upper bits tell which.
    """
    told = (marked.indices.astype(np.int64) << _COUNT_BITS) | 1
    return sparse.csr_array((told, marked.indices, marked.indptr), shape=marked.shape)


def supporters(
    shared: LongArray, reached: sparse.csr_array, rows: LongArray, which: LongArray
) -> LongArray:
    """How many users lead from a history to a candidate by two different items.

    Args:
        shared: int64 [b, u + 1], from ``CoConsumption.sharing``.
        reached: int64 [c, u + 1], summed signatures of what each user chose of a candidate's kind.
        rows: int64 [p], the history of each pair.
        which: int64 [p], the candidate of each pair, a row of ``reached``.

    Returns:
        int64 [p]. A user whose one shared item is the one item that it chose does not count.
    """
    starts, lengths = reached.indptr[which], np.diff(reached.indptr)[which]
    ends = np.cumsum(lengths, dtype=np.int64)
    counts = np.zeros(len(rows), dtype=np.int64)
    first = 0
    while first < len(rows):
        before = ends[first] - lengths[first]
        last = max(first + 1, int(np.searchsorted(ends, before + _ENTRIES, "right")))
        part = slice(first, last)
        pair = np.repeat(np.arange(last - first), lengths[part])
        # An entry's number among this part's, and from there its place in ``reached``.
        shift = starts[part] - (ends[part] - lengths[part] - before)
        entry = np.arange(len(pair)) + np.repeat(shift, lengths[part])
        of_history = shared[rows[part][pair], reached.indices[entry]]
        alone = (of_history == reached.data[entry]) & (of_history & _COUNT == 1)
        leads = (of_history > 0) & ~alone
        counts[part] = np.bincount(pair[leads], minlength=last - first)
        first = last
    return counts
