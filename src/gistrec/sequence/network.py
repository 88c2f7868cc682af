"""What the three architectures have in common: an item table, and states that point into it."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from gistrec.data.sequences import PAD

INITIAL_SPREAD = 0.02


class SequenceNetwork(nn.Module, ABC):
    """A network whose states score items by a dot product with the items' own embeddings.

    Letters: b sequences, s positions, d width, m training positions. Sequences are padded on the
    right, so that a position means the same in every batch.

    Attributes:
        table: [n_items + 1, d]; the last row is the marker: "start" to the causal networks,
            "hidden" to BERT4Rec.
    """

    def __init__(self, n_items: int, width: int) -> None:
        super().__init__()
        self.n_items = n_items
        self.width = width
        self.table = nn.Embedding(n_items + 1, width)
        nn.init.normal_(self.table.weight, std=INITIAL_SPREAD)

    @abstractmethod
    def training_states(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Where the network is to guess, what it thinks there, and the truth.

        Args:
            items: int64 [b, s] windows of the training log, PAD on the right.

        Returns:
            float [m, d] states and int64 [m] item codes.
        """

    @abstractmethod
    def final_states(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Float [b, d]: the states that guess what follows each of ``items`` (int64 [b, s]).

        ``lengths`` (int64 [b]) may hold zeros: nothing is known of that user.
        """

    def embedded(self, items: Tensor) -> Tensor:
        """Float [b, s, d]: the items' embeddings at unit scale; PAD is embedded as the marker."""
        codes = torch.where(items == PAD, self.n_items, items)
        scaled: Tensor = self.table(codes) * self.width**0.5
        return scaled

    def with_start(self, items: Tensor) -> Tensor:
        """Int64 [b, 1 + s]: the marker before each sequence."""
        start = items.new_full((items.shape[0], 1), self.n_items)
        return torch.cat([start, items], dim=1)


class CausalNetwork(SequenceNetwork):
    """A network in which each position sees only those before it, and guesses the next item."""

    @abstractmethod
    def states(self, items: Tensor) -> Tensor:
        """Float [b, s, d]: at each position, the guess of what follows ``items`` (int64 [b, s])."""

    def training_states(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Each item of a window is guessed from those before it, the first from the start alone."""
        known = items != PAD
        return self.states(self.with_start(items[:, :-1]))[known], items[known]

    def final_states(self, items: Tensor, lengths: Tensor) -> Tensor:
        """The state at the last item of each sequence."""
        states = self.states(self.with_start(items))
        return states[torch.arange(len(states), device=states.device), lengths]
