"""BERT4Rec: a two-way Transformer that guesses hidden items (Sun et al. 2019, arXiv 1904.06690).

Departures from the paper: pre-norm layers; no output bias and no extra output layer; the sampled
softmax where the catalogue is large; a share of the windows hides its last item alone, which is
what is asked at inference (the authors' code adds such samples too).
"""

import torch
from torch import Tensor

from gistrec.config.sequence import SequenceConfig
from gistrec.data.sequences import PAD
from gistrec.sequence.network import SequenceNetwork
from gistrec.sequence.transformer import Transformer

_LAST_ONLY = 0.25  # share of windows in which the last item alone is hidden


class BERT4Rec(SequenceNetwork):
    """Self-attention in both directions over up to ``max_length`` items and one hidden place."""

    def __init__(self, n_items: int, config: SequenceConfig) -> None:
        super().__init__(n_items, config.width)
        self.mask_share = config.mask_share
        self.transformer = Transformer(
            config.width, config.layers, config.heads, config.max_length + 1, config.dropout
        )

    def training_states(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """A share of each window's items is hidden; each of those is guessed from the rest."""
        hidden = self._hidden(items != PAD)
        masked = torch.where(hidden, self.n_items, items)
        return self._states(masked)[hidden], items[hidden]

    def final_states(self, items: Tensor, lengths: Tensor) -> Tensor:
        """The state at one hidden place after the last item."""
        longer = torch.cat([items, items.new_full((len(items), 1), PAD)], dim=1)
        rows = torch.arange(len(items), device=items.device)
        longer[rows, lengths] = self.n_items
        return self._states(longer)[rows, lengths]

    def _states(self, items: Tensor) -> Tensor:
        states: Tensor = self.transformer(self.embedded(items), items != PAD)
        return states

    def _hidden(self, real: Tensor) -> Tensor:
        places = torch.arange(real.shape[1], device=real.device)
        last = places == real.sum(dim=1, keepdim=True) - 1
        drawn = torch.rand(real.shape, device=real.device) < self.mask_share
        last_only = torch.rand(len(real), 1, device=real.device) < _LAST_ONLY
        hidden = torch.where(last_only, last, drawn & real)
        # A window in which nothing was drawn would teach nothing.
        return torch.where(hidden.any(dim=1, keepdim=True), hidden, last)
