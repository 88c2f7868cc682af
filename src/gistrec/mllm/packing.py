"""One row for all candidates of a user: [prefix | candidate 1 | candidate 2 | ...].

A candidate sees the prefix and itself, and its positions go on where the prefix ends, so every
logit is what a prompt of its own would have given. Letters: b rows, s tokens of a row, a axes of a
position (1, or 3 for rotary positions in time, height and width).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

PREFIX = 0  # branch number of the shared part; candidates count from 1
PADDING = -1
NO_PICTURE = -1


class Picture(NamedTuple):
    """An item's image among tokens: it takes rows x columns image tokens."""

    code: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Tokens:
    """Token ids, and the pictures whose features fill the image tokens among them, in order."""

    ids: tuple[int, ...]
    images: tuple[Picture, ...] = ()

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.ids + other.ids, self.images + other.images)

    @property
    def codes(self) -> tuple[int, ...]:
        """Items whose images these are."""
        return tuple(picture.code for picture in self.images)


@dataclass(frozen=True)
class Row:
    """One user's prompt: what is shared, then a branch for each candidate."""

    prefix: Tokens
    branches: tuple[Tokens, ...]

    def __len__(self) -> int:
        return len(self.prefix.ids) + self.branch_tokens

    @property
    def branch_tokens(self) -> int:
        """Tokens of all candidates together."""
        return sum(len(branch.ids) for branch in self.branches)


@dataclass(frozen=True)
class Marks:
    """What decides who sees whom; int64 [b, s] each.

    Attributes:
        branch: PREFIX, the candidate's number from 1, or PADDING.
        order: which token of its own prompt it is, counted from 0.
        picture: which image of its row it belongs to, or NO_PICTURE.
    """

    branch: torch.Tensor
    order: torch.Tensor
    picture: torch.Tensor

    def to(self, device: torch.device) -> "Marks":
        """The same on another device."""
        return Marks(self.branch.to(device), self.order.to(device), self.picture.to(device))

    def __getitem__(self, rows: torch.Tensor) -> "Marks":
        return Marks(self.branch[rows], self.order[rows], self.picture[rows])

    def followed_by(self, other: "Marks") -> "Marks":
        """Both side by side, [b, s + s']."""
        return Marks(
            torch.cat([self.branch, other.branch], dim=1),
            torch.cat([self.order, other.order], dim=1),
            torch.cat([self.picture, other.picture], dim=1),
        )


@dataclass(frozen=True)
class Packed:
    """A batch of rows, padded.

    Attributes:
        ids: int64 [b, s].
        positions: int64 [a, b, s]; every branch goes on where its prefix ends.
        marks: who sees whom.
        images: item codes in the order of their tokens in ``ids`` read row by row.
        answers: int64 [n, 2], (row, token) of every branch's last token, where its answer begins.
        causal: every token sees just those before it in its row, padding aside.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    marks: Marks
    images: tuple[int, ...]
    answers: torch.Tensor
    causal: bool = False

    @property
    def branch(self) -> torch.Tensor:
        """PREFIX, the candidate's number from 1, or PADDING; int64 [b, s]."""
        return self.marks.branch

    def to(self, device: torch.device) -> "Packed":
        """The same batch on another device."""
        return Packed(
            self.ids.to(device),
            self.positions.to(device),
            self.marks.to(device),
            self.images,
            self.answers.to(device),
            self.causal,
        )


@dataclass(frozen=True)
class Layout:
    """How a backbone lays tokens out.

    Attributes:
        pad_id: fills a batch's ragged edge.
        image_id: the token that an image's features replace.
        axes: of a position.
        positions: positions of a prompt's tokens, [a, n], and the one that comes next.
    """

    pad_id: int
    image_id: int
    axes: int
    positions: Callable[[Tokens], tuple[torch.Tensor, int]]


@dataclass(frozen=True)
class _Piece:
    """A run of tokens of one branch, and where it goes on from."""

    tokens: Tokens
    branch: int
    order: int
    position: int


def pack(rows: Sequence[Row], layout: Layout) -> Packed:
    """Lay out whole rows in one batch, padded on the right.

    Raises:
        ValueError: a branch is empty, so there is no token to answer at.
    """
    return _lay([[_prefix(row), *_branches(row, layout)] for row in rows], layout)


def pack_branches(rows: Sequence[Row], layout: Layout) -> Packed:
    """Lay out the rows' branches alone, as they go on after prefixes that have been run.

    Raises:
        ValueError: a branch is empty, so there is no token to answer at.
    """
    return _lay([_branches(row, layout) for row in rows], layout)


def pack_prompts(prompts: Sequence[Tokens], layout: Layout) -> Packed:
    """Lay out whole prompts, padded on the left: the answers all begin at the last column."""
    return _lay([[_Piece(tokens, 1, 0, 0)] for tokens in prompts], layout, left=True)


def _prefix(row: Row) -> _Piece:
    return _Piece(row.prefix, PREFIX, 0, 0)


def _branches(row: Row, layout: Layout) -> list[_Piece]:
    _, position = layout.positions(row.prefix)
    return [
        _Piece(tokens, number, len(row.prefix.ids), position)
        for number, tokens in enumerate(row.branches, start=1)
    ]


def _lay(rows: Sequence[Sequence[_Piece]], layout: Layout, left: bool = False) -> Packed:
    lengths = [sum(len(piece.tokens.ids) for piece in pieces) for pieces in rows]
    shape = (len(rows), max(lengths))
    ids = torch.full(shape, layout.pad_id)
    positions = torch.zeros((layout.axes, *shape), dtype=torch.long)
    branch = torch.full(shape, PADDING)
    order = torch.zeros(shape, dtype=torch.long)
    picture = torch.full(shape, NO_PICTURE)
    images: list[int] = []
    answers: list[tuple[int, int]] = []
    for row, pieces in enumerate(rows):
        end = shape[1] - lengths[row] if left else 0
        seen = 0
        for piece in pieces:
            count = len(piece.tokens.ids)
            if not count and piece.branch != PREFIX:
                raise ValueError(f"candidate {piece.branch} of row {row} has no tokens")
            start, end = end, end + count
            ids[row, start:end] = torch.tensor(piece.tokens.ids, dtype=torch.long)
            positions[:, row, start:end] = piece.position + layout.positions(piece.tokens)[0]
            branch[row, start:end] = piece.branch
            order[row, start:end] = piece.order + torch.arange(count)
            if piece.tokens.images:
                _number(picture[row, start:end], ids[row, start:end], piece.tokens, seen, layout)
                seen += len(piece.tokens.images)
                images += piece.tokens.codes
            if piece.branch != PREFIX:
                answers.append((row, end - 1))
    return Packed(
        ids,
        positions,
        Marks(branch, order, picture),
        tuple(images),
        torch.tensor(answers, dtype=torch.long).reshape(-1, 2),
        # Padding on the right comes last, so that no token is in the way of another.
        causal=max(map(len, rows)) == 1 and (not left or min(lengths) == shape[1]),
    )


def _number(
    picture: torch.Tensor, ids: torch.Tensor, tokens: Tokens, seen: int, layout: Layout
) -> None:
    """Write into ``picture`` which image each image token belongs to."""
    sizes = torch.tensor([image.rows * image.columns for image in tokens.images])
    picture[ids == layout.image_id] = seen + torch.arange(len(sizes)).repeat_interleave(sizes)
