"""Cutting sequences into windows, and windows into batches of about equal length."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gistrec.data.sequences import PAD, LongArray, Sequences

_POOL_BATCHES = 32  # so many batches are drawn at random, then sorted by length among themselves


def windows(sequences: Sequences, length: int) -> Sequences:
    """Cut each sequence into windows of ``length`` items, the first one short; no item is lost.

    The short window stands first, so that the most recent items keep the most context.
    """
    pieces = -(-sequences.lengths // length)
    owners = np.repeat(np.arange(len(sequences)), pieces)
    ordinal = np.arange(len(owners)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    ends = sequences.lengths[owners] - (pieces[owners] - 1 - ordinal) * length
    # Windows of one user follow each other, so each begins where the one before ends.
    starts = np.maximum(ends - length, 0)
    offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)
    users = sequences.users.gather(owners)
    return Sequences(users, offsets, sequences.items, sequences.timestamps)


def shuffled_batches(
    lengths: LongArray, batch_size: int, rng: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Rows in random batches whose members have about the same length; every row once."""
    order = rng.permutation(len(lengths))
    pool = batch_size * _POOL_BATCHES
    batches: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(order), pool):
        drawn = order[start : start + pool]
        drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
        batches += [drawn[at : at + batch_size] for at in range(0, len(drawn), batch_size)]
    return [batches[index] for index in rng.permutation(len(batches))]


def sorted_batches(lengths: LongArray, batch_size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows in batches from the shortest to the longest; every row once."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def right_padded(sequences: Sequences) -> tuple[Tensor, Tensor]:
    """Int64 [b, s] item codes, PAD on the right to the longest, and int64 [b] lengths."""
    lengths = sequences.lengths
    grid = np.full((len(sequences), int(lengths.max(initial=0))), PAD, dtype=np.int64)
    rows = sequences.rows()
    grid[rows, np.arange(len(sequences.items)) - sequences.offsets[:-1][rows]] = sequences.items
    return torch.from_numpy(grid), torch.from_numpy(lengths.astype(np.int64))
