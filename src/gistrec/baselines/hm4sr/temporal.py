"""The second mixture of experts: modalities scaled by when an item came."""

import torch
from torch import Tensor, nn

from gistrec.baselines.hm4sr.align import MODALITIES
from gistrec.baselines.hm4sr.batch import Batch
from gistrec.sequence.network import INITIAL_SPREAD

_SLOWEST = 10_000.0  # ratio of the fastest to the slowest frequency
_EXPERT_SPREAD = 0.1


class TimeEmbedding(nn.Module):
    """The time since the item before, embedded, beside cosines of the time since the log began."""

    frequencies: Tensor

    def __init__(self, width: int, buckets: int) -> None:
        super().__init__()
        self.intervals = nn.Embedding(buckets, width)
        self.moments = nn.Linear(1, width)
        nn.init.normal_(self.intervals.weight, std=INITIAL_SPREAD)
        nn.init.normal_(self.moments.weight, std=INITIAL_SPREAD)
        nn.init.zeros_(self.moments.bias)
        powers = torch.arange(width) / width
        self.register_buffer("frequencies", _SLOWEST**-powers, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        """Float [b, s, 2 d]."""
        waves = torch.cos(self.moments(batch.moments[..., None]) * self.frequencies)
        return torch.cat([self.intervals(batch.intervals), waves], dim=-1)


class TemporalExperts(nn.Module):
    """Scaling vectors, mixed by the time.

    Attributes:
        experts: [k, 3, d]; a parameter where they are trained, else kept as they were drawn.
    """

    experts: Tensor

    def __init__(self, width: int, experts: int, trained: bool) -> None:
        super().__init__()
        drawn = _EXPERT_SPREAD * torch.randn(experts, MODALITIES, width)
        if trained:
            self.experts = nn.Parameter(drawn)
        else:
            self.register_buffer("experts", drawn)
        self.gate = nn.Linear(2 * width, experts)
        nn.init.normal_(self.gate.weight, std=INITIAL_SPREAD)
        nn.init.zeros_(self.gate.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """From and to float [b, s, 3, d]; ``time`` is float [b, s, 2 d]."""
        scale = torch.einsum("bsk,kmd->bsmd", self.gate(time).softmax(dim=-1), self.experts)
        scaled: Tensor = x * scale
        return scaled
