"""A modality's given vectors, brought to the width of ids."""

import torch
from torch import Tensor, nn

from gistrec.baselines.hm4sr.vectors import Floats
from gistrec.sequence.network import INITIAL_SPREAD


class Projected(nn.Module):
    """A linear map of frozen vectors; an item without one, and the marker, have a learned vector.

    The given vectors are no part of the state: whoever keeps the network keeps them once.
    """

    given: Tensor
    there: Tensor

    def __init__(self, vectors: Floats, width: int) -> None:
        super().__init__()
        given = torch.from_numpy(vectors)
        given = torch.cat([given, given.new_zeros(1, given.shape[1])])
        self.register_buffer("given", given, persistent=False)
        self.register_buffer("there", given.any(dim=1, keepdim=True), persistent=False)
        self.projection = nn.Linear(given.shape[1], width)
        self.missing = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.projection.weight, std=INITIAL_SPREAD)
        nn.init.zeros_(self.projection.bias)
        nn.init.normal_(self.missing, std=INITIAL_SPREAD)

    def forward(self) -> Tensor:
        """Float [n_items + 1, d]; the last row is the marker's."""
        return torch.where(self.there, self.projection(self.given), self.missing)
