"""GRU4Rec: a gated recurrent network over item ids (Hidasi et al. 2016, arXiv 1511.06939).

Departures from the paper: whole sequences in a batch instead of session-parallel steps; the loss
is the sampled softmax over shared uniform negatives; item embeddings are tied to the output, as
in the authors' later version (arXiv 1706.03847, constrained embeddings); a norm on the states.
"""

from torch import Tensor, nn

from gistrec.config.sequence import SequenceConfig
from gistrec.sequence.network import CausalNetwork


class GRU4Rec(CausalNetwork):
    """A GRU over the start marker and up to ``max_length`` items."""

    def __init__(self, n_items: int, config: SequenceConfig) -> None:
        super().__init__(n_items, config.width)
        self.dropout = nn.Dropout(config.dropout)
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(
            config.width, config.width, config.layers, batch_first=True, dropout=between
        )
        self.project = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width)

    def states(self, items: Tensor) -> Tensor:
        """Float [b, s, d], each made from its own and earlier positions."""
        hidden, _ = self.gru(self.dropout(self.embedded(items)))
        states: Tensor = self.norm(self.project(self.dropout(hidden)))
        return states
