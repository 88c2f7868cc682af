"""The first mixture of experts: what one modality says of another (the paper's interactive one)."""

import torch
from torch import Tensor, nn

from gistrec.sequence.network import INITIAL_SPREAD

MODALITIES = 3  # id, text, image, in this order
_SHARES = (0.0, 1.0, 1.0)  # of the id, the text, the image at first


class AlignExperts(nn.Module):
    """Linear experts on all modalities joined, mixed by gates of each modality alone.

    Attributes:
        share: [3], how much of what the experts say is added to each modality.
    """

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.experts = nn.Linear(MODALITIES * width, experts * MODALITIES * width)
        self.gates = nn.ModuleList(nn.Linear(width, experts) for _ in range(MODALITIES))
        self.share = nn.Parameter(torch.tensor(_SHARES))
        for layer in (self.experts, *self.gates):
            nn.init.normal_(layer.weight, std=INITIAL_SPREAD)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """From and to float [b, s, 3, d]."""
        b, s, m, d = x.shape
        said = self.experts(x.flatten(2)).view(b, s, -1, m, d)
        weights = [gate(x[:, :, number]) for number, gate in enumerate(self.gates)]
        chosen = torch.stack(weights, dim=2).softmax(dim=-1)
        added: Tensor = torch.einsum("bskmd,bsmk->bsmd", said, chosen)
        return x + self.share[:, None] * added
