"""Many users' items in time order, as flat arrays: what histories and training logs are made of."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
PAD = -1  # fills the left of a padded row: no item has this code


@dataclass(frozen=True)
class Sequences:
    """The item codes of u users, ragged, oldest first.

    Attributes:
        users: String series of length u; an id may repeat where one user is asked at many moments.
        offsets: int64 [u + 1]; user ``i`` owns ``items[offsets[i]:offsets[i + 1]]``.
        items: int32 [n], item codes (rows of the dataset's items table).
        timestamps: int64 [n], as in the dataset.
    """

    users: pl.Series
    offsets: LongArray
    items: IntArray
    timestamps: LongArray

    def __len__(self) -> int:
        return len(self.users)

    def __getitem__(self, index: int) -> IntArray:
        return self.items[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[IntArray]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> LongArray:
        """int64 [u], the number of items of each user."""
        return np.diff(self.offsets)

    def rows(self) -> LongArray:
        """int64 [n], for each item the row of the user who owns it."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def take(self, indices: npt.ArrayLike) -> "Sequences":
        """The users at ``indices`` (int [m]), in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        starts, lengths = self.offsets[:-1][chosen], self.lengths[chosen]
        return self._cut(self.users.gather(chosen), starts, lengths)

    def prefixes(self, indices: npt.ArrayLike, lengths: npt.ArrayLike) -> "Sequences":
        """For each of ``indices`` (int [m]) its user's first ``lengths`` (int [m]) items."""
        chosen = np.asarray(indices, dtype=np.int64)
        kept = np.asarray(lengths, dtype=np.int64)
        return self._cut(self.users.gather(chosen), self.offsets[:-1][chosen], kept)

    def last(self, n: int) -> "Sequences":
        """The same users with their last ``n`` items at most."""
        kept = np.minimum(self.lengths, n)
        return self._cut(self.users, self.offsets[1:] - kept, kept)

    def keeping(self, allowed: npt.NDArray[np.bool_]) -> "Sequences":
        """The same users with only the items that ``allowed`` (bool [n_items]) marks."""
        keep = allowed[self.items]
        running = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        return Sequences(self.users, running[self.offsets], self.items[keep], self.timestamps[keep])

    def padded(self, length: int) -> IntArray:
        """int32 [u, length]: the last ``length`` items of each user, PAD on the left."""
        recent = self.last(length)
        grid = np.full((len(self), length), PAD, dtype=np.int32)
        rows = recent.rows()
        within = np.arange(len(recent.items)) - recent.offsets[:-1][rows]
        grid[rows, length - recent.lengths[rows] + within] = recent.items
        return grid

    def _cut(self, users: pl.Series, starts: LongArray, lengths: LongArray) -> "Sequences":
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        positions = np.repeat(starts, lengths) + within
        return Sequences(users, offsets, self.items[positions], self.timestamps[positions])
