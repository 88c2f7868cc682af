"""Histories as HM4SR's network takes them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gistrec.baselines.hm4sr.clock import Clock
from gistrec.data.sequences import PAD, Sequences
from gistrec.sequence.batches import right_padded


@dataclass(frozen=True, eq=False)
class Batch:
    """b histories of up to s - 1 items, each behind a marker that begins it.

    Attributes:
        items: int64 [b, s], item codes; the marker's in front, PAD on the right.
        lengths: int64 [b], the items of each, the marker not counted.
        intervals: int64 [b, s], buckets of the clock; 0 without a clock.
        moments: float32 [b, s]; 0 without a clock.
    """

    items: Tensor
    lengths: Tensor
    intervals: Tensor
    moments: Tensor

    @classmethod
    def of(
        cls, histories: Sequences, marker: int, clock: Clock | None, device: torch.device
    ) -> "Batch":
        """Lay histories out; ``marker`` is the code that begins them."""
        items, lengths = right_padded(histories)
        b, s = items.shape
        intervals = np.zeros((b, s + 1), dtype=np.int64)
        moments = np.zeros((b, s + 1), dtype=np.float32)
        if clock is not None:
            # The marker has no time: that of the first item would tell when it comes.
            rows = histories.rows()
            columns = 1 + np.arange(len(histories.items)) - histories.offsets[:-1][rows]
            intervals[rows, columns] = clock.intervals(histories)
            moments[rows, columns] = clock.moments(histories)
        marked = torch.cat([items.new_full((b, 1), marker), items], dim=1)
        return cls(
            marked.to(device),
            lengths.to(device),
            torch.from_numpy(intervals).to(device),
            torch.from_numpy(moments).to(device),
        )

    def without_last(self) -> "Batch":
        """What is known before each item: all columns but the last."""
        items = self.items[:, :-1]
        lengths = (items != PAD).sum(dim=1) - 1
        return Batch(items, lengths, self.intervals[:, :-1], self.moments[:, :-1])

    @property
    def real(self) -> Tensor:
        """Bool [b, s], where an item stands: neither the marker nor padding."""
        there = self.items != PAD
        there[:, 0] = False
        return there
