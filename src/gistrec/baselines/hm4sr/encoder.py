"""One causal Transformer a modality."""

from torch import Tensor, nn

from gistrec.sequence.transformer import Layer


class Encoder(nn.Module):
    """A norm, dropout, causal layers, a norm; positions are in what it is given."""

    def __init__(self, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.after = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """From and to float [b, s, d]; each place sees those before it."""
        x = self.dropout(self.before(x))
        for layer in self.layers:
            x = layer(x, None)
        states: Tensor = self.after(x)
        return states
