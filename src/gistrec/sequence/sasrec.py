"""SASRec: a causal Transformer over item ids (Kang and McAuley 2018, arXiv 1808.09781).

Departures from the paper: the loss is the sampled softmax over shared negatives, not binary
cross-entropy against one; norms stand before the sub-layers and the feed-forward part is four
times as wide, with GELU; a start marker precedes each sequence; no dropout inside attention.
"""

from torch import Tensor

from gistrec.config.sequence import SequenceConfig
from gistrec.sequence.network import CausalNetwork
from gistrec.sequence.transformer import Transformer


class SASRec(CausalNetwork):
    """Self-attention over the start marker and up to ``max_length`` items."""

    def __init__(self, n_items: int, config: SequenceConfig) -> None:
        super().__init__(n_items, config.width)
        self.transformer = Transformer(
            config.width, config.layers, config.heads, config.max_length + 1, config.dropout
        )

    def states(self, items: Tensor) -> Tensor:
        """Float [b, s, d], each made from its own and earlier positions."""
        states: Tensor = self.transformer(self.embedded(items))
        return states
