"""Contrast within a batch: each is to find its own among those of the others (InfoNCE)."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def in_batch_contrast(one: Tensor, other: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Mean InfoNCE by cosine: each of ``one`` is to find its own among ``other``.

    Args:
        one: float [m, d].
        other: float [m, d].
        same: bool [m, m], pairs that are no negatives of each other; its diagonal is ignored.
        temperature: cosines are divided by it.
    """
    logits = normalize(one, dim=1) @ normalize(other, dim=1).T / temperature
    own = torch.eye(len(one), dtype=torch.bool, device=one.device)
    return cross_entropy(
        logits.masked_fill(same & ~own, -torch.inf), torch.arange(len(one), device=one.device)
    )


def alike(*codes: Tensor) -> Tensor:
    """Bool [m, m], pairs that share one of ``codes`` (int64 [m] each)."""
    pairs = [code[:, None] == code[None, :] for code in codes]
    return torch.stack(pairs).any(dim=0)
