"""One row for all candidates of a user: [prefix | candidate 1 | candidate 2 | ...].

A candidate sees the prefix and itself, and its positions go on where the prefix ends, so every
logit is what a prompt of its own would have given. Letters: b rows, s tokens of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

PREFIX = 0  # branch number of the shared part; candidates count from 1
PADDING = -1


@dataclass(frozen=True)
class Tokens:
    """Token ids, and the items whose image features fill the image tokens among them, in order."""

    ids: tuple[int, ...]
    images: tuple[int, ...] = ()

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.ids + other.ids, self.images + other.images)


@dataclass(frozen=True)
class Row:
    """One user's prompt: what is shared, then a branch for each candidate."""

    prefix: Tokens
    branches: tuple[Tokens, ...]

    def __len__(self) -> int:
        return len(self.prefix.ids) + sum(len(branch.ids) for branch in self.branches)


@dataclass(frozen=True)
class Packed:
    """A batch of rows, padded on the right.

    Attributes:
        ids: int64 [b, s].
        positions: int64 [b, s]; every branch goes on where its prefix ends.
        branch: int64 [b, s]: PREFIX, the candidate's number from 1, or PADDING.
        images: item codes in the order of their tokens in ``ids`` read row by row.
        answers: int64 [a, 2], (row, token) of every branch's last token, where its answer begins.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    branch: torch.Tensor
    images: tuple[int, ...]
    answers: torch.Tensor

    def to(self, device: torch.device) -> "Packed":
        """The same batch on another device."""
        return Packed(
            self.ids.to(device),
            self.positions.to(device),
            self.branch.to(device),
            self.images,
            self.answers.to(device),
        )


def pack(rows: Sequence[Row], pad_id: int) -> Packed:
    """Lay out rows in one batch.

    Raises:
        ValueError: a branch is empty, so there is no token to answer at.
    """
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    positions = torch.zeros((len(rows), width), dtype=torch.long)
    branch = torch.full((len(rows), width), PADDING, dtype=torch.long)
    images: list[int] = []
    answers: list[tuple[int, int]] = []
    for number, row in enumerate(rows):
        start, end = 0, len(row.prefix.ids)
        ids[number, :end] = torch.tensor(row.prefix.ids)
        positions[number, :end] = torch.arange(end)
        branch[number, :end] = PREFIX
        images += row.prefix.images
        for index, tokens in enumerate(row.branches, start=1):
            if not tokens.ids:
                raise ValueError(f"candidate {index} of row {number} has no tokens")
            start, end = end, end + len(tokens.ids)
            ids[number, start:end] = torch.tensor(tokens.ids)
            positions[number, start:end] = len(row.prefix.ids) + torch.arange(end - start)
            branch[number, start:end] = index
            images += tokens.images
            answers.append((number, end - 1))
    return Packed(ids, positions, branch, tuple(images), torch.tensor(answers).reshape(-1, 2))


def block_mask(branch: torch.Tensor) -> torch.Tensor:
    """Who sees whom: bool [b, 1, s, s], True where the row's token may attend to the column's.

    A token sees itself and what precedes it in its prefix and its own branch. Padding sees itself
    only, so that no row of the softmax is empty.
    """
    seer, seen = branch[:, :, None], branch[:, None, :]
    length = branch.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=branch.device).tril()
    allowed = causal & ((seen == PREFIX) | (seen == seer)) & (seen != PADDING)
    itself = torch.eye(length, dtype=torch.bool, device=branch.device)
    return (allowed | itself)[:, None]
