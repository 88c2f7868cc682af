"""A stack of pre-norm Transformer layers with learned positions."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from gistrec.sequence.network import INITIAL_SPREAD

_EXPANSION = 4  # hidden width of the feed-forward part over d


class Layer(nn.Module):
    """Attention and a feed-forward part, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, _EXPANSION * width)
        self.contract = nn.Linear(_EXPANSION * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, visible: Tensor | None) -> Tensor:
        """x: [b, s, d]; visible: bool [b, 1, 1, s] keys that may be seen, or None for causal."""
        b, s, d = x.shape
        joint = self.query_key_value(self.attention_norm(x))
        query, key, value = joint.view(b, s, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        # Dropout inside attention would leave the fused kernel on a CPU, at several times the cost.
        seen = scaled_dot_product_attention(
            query, key, value, attn_mask=visible, is_causal=visible is None
        )
        x = x + self.dropout(self.merge(seen.transpose(1, 2).reshape(b, s, d)))
        hidden = torch.nn.functional.gelu(self.expand(self.forward_norm(x)))
        mixed: Tensor = x + self.dropout(self.contract(hidden))
        return mixed


class Transformer(nn.Module):
    """Embeddings in, normed states out."""

    def __init__(self, width: int, layers: int, heads: int, positions: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Embedding(positions, width)
        nn.init.normal_(self.positions.weight, std=INITIAL_SPREAD)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, visible: Tensor | None = None) -> Tensor:
        """x: [b, s, d]; visible: bool [b, s] positions that may be seen, or None for causal."""
        place = self.positions.weight[: x.shape[1]] * x.shape[2] ** 0.5
        x = self.dropout(x + place)
        mask = None if visible is None else visible[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        normed: Tensor = self.norm(x)
        return normed
