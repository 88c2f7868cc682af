"""Image features of a catalogue, in memory or mapped from files, by item code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from gistrec.mllm.families.family import Grid

Ints = npt.NDArray[np.int64]
NO_PART = -1


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of the items that have an image.

    Attributes:
        parts: tables of tokens, [tokens, k, d] each, in memory or mapped; k is 1, more where the
            vision tower feeds several layers. An image's tokens stand one after the other.
        part: int64 [n_items], which table holds an item's image; NO_PART without an image.
        start: int64 [n_items], its first token in that table.
        grids: int64 [n_items, 2], rows and columns of its tokens.
    """

    parts: tuple[torch.Tensor, ...]
    part: Ints
    start: Ints
    grids: Ints
    _images: torch.Tensor | None = field(init=False, repr=False)
    _rows: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        images, rows = self._as_one_table()
        object.__setattr__(self, "_images", images)
        object.__setattr__(self, "_rows", rows)

    @classmethod
    def none(cls, n_items: int) -> "ImageFeatures":
        """Of a catalogue without images."""
        nothing = np.zeros(n_items, dtype=np.int64)
        return cls((), nothing + NO_PART, nothing, np.zeros((n_items, 2), dtype=np.int64))

    @classmethod
    def held(cls, n_items: int, images: Mapping[int, tuple[Grid, torch.Tensor]]) -> "ImageFeatures":
        """From tensors in memory.

        Args:
            n_items: size of the catalogue.
            images: grid and features [k, rows x columns, d] by item code.
        """
        features = cls.none(n_items)
        if not images:
            return features
        tokens = 0
        for code, (grid, found) in images.items():
            features.part[code], features.start[code], features.grids[code] = 0, tokens, grid
            tokens += found.shape[1]
        table = torch.cat([found.transpose(0, 1) for _, found in images.values()])
        return cls((table,), features.part, features.start, features.grids)

    def __contains__(self, code: int) -> bool:
        return bool(self.part[code] != NO_PART)

    @property
    def count(self) -> int:
        """How many items have an image."""
        return int((self.part != NO_PART).sum())

    @property
    def nbytes(self) -> int:
        """Size of the items' features, an image that several items show counted once."""
        if not self.parts:
            return 0
        keys = np.stack([self.part, self.start, self.grids.prod(axis=1)], axis=1)
        tokens = np.unique(keys[self.part != NO_PART], axis=0)[:, 2].sum()
        return int(tokens) * self.parts[0].shape[1:].numel() * self.parts[0].itemsize

    def grid(self, code: int) -> Grid:
        """Rows and columns of an item's image tokens; (0, 0) without an image."""
        rows, columns = self.grids[code].tolist()
        return rows, columns

    def of(self, codes: Sequence[int], device: torch.device) -> torch.Tensor | None:
        """Features [k, all their tokens, d] of items that have an image; None for no items.

        Raises:
            ValueError: one of them has no image.
        """
        if not codes:
            return None
        chosen = list(codes)
        rows = self._rows[chosen]
        if rows.min() < 0:
            raise ValueError(f"item {chosen[int(rows.argmin())]} has no image")
        if self._images is not None:
            found = self._images.index_select(0, torch.from_numpy(rows)).flatten(0, 1)
        else:
            found = torch.cat(
                [
                    self.parts[part][start : start + rows * columns]
                    for part, start, (rows, columns) in zip(
                        self.part[chosen].tolist(),
                        self.start[chosen].tolist(),
                        self.grids[chosen].tolist(),
                        strict=True,
                    )
                ]
            )
        return found.to(device).transpose(0, 1).contiguous()

    def gathered(self) -> "ImageFeatures":
        """The same in one table in memory, each image in it once and no other."""
        there = self.part != NO_PART
        if not there.any():
            return ImageFeatures.none(len(self.part))
        keys = np.stack([self.part, self.start, self.grids.prod(axis=1)], axis=1)[there]
        images, rows = np.unique(keys, axis=0, return_inverse=True)
        ends = np.cumsum(images[:, 2])
        starts = ends - images[:, 2]
        tables = []
        for number, table in enumerate(self.parts):
            mine = images[:, 0] == number
            size = images[mine, 2]
            # Of each image the step from a token's place in the new table to that in the old.
            steps = np.repeat(images[mine, 1] - (np.cumsum(size) - size), size)
            tables.append(table[torch.from_numpy(steps + np.arange(len(steps)))])
        start = np.zeros_like(self.start)
        start[there] = starts[rows.reshape(-1)]
        part = np.where(there, 0, NO_PART)
        return ImageFeatures((torch.cat(tables),), part, start, self.grids)

    def _as_one_table(self) -> tuple[torch.Tensor | None, Ints]:
        """[m, tokens, k, d] where all images are alike in one table, and each item's row of it.

        The usual case, and several times faster than one slice an image.
        """
        there = self.part != NO_PART
        sizes = np.unique(self.grids[there].prod(axis=1))
        if len(self.parts) != 1 or len(sizes) != 1 or not sizes[0]:
            return None, np.where(there, 0, -1)
        table, size = self.parts[0], int(sizes[0])
        if len(table) % size or (self.start[there] % size).any():
            return None, np.where(there, 0, -1)
        return table.view(-1, size, *table.shape[1:]), np.where(there, self.start // size, -1)
