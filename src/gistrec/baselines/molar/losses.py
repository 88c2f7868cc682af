"""Molar's losses: the next item among others, and a user's state among those of others."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gistrec.baselines.contrast import in_batch_contrast


def next_item_nce(
    states: Tensor, positives: Tensor, negatives: Tensor, scale: Tensor, near_duplicate: float
) -> Tensor:
    """Mean noise-contrastive loss over scaled cosines.

    Args:
        states: float [m, d] of length one.
        positives: float [m, d] of length one, the items that came next.
        negatives: float [n, d] of length one, shared; the positives may be among them.
        scale: a scalar.
        near_duplicate: a negative is left out where its cosine with the positive is above this.
    """
    own = scale * (states * positives).sum(dim=1, keepdim=True)
    others = scale * (states @ negatives.T)
    with torch.no_grad():
        same = positives @ negatives.T > near_duplicate
    logits = torch.cat([own, others.masked_fill(same, -torch.inf)], dim=1)
    return cross_entropy(logits, torch.zeros(len(states), dtype=torch.long, device=states.device))


def both_ways(one: Tensor, other: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Mean of the contrast of ``one`` with ``other`` and the other way round; see its arguments."""
    there = in_batch_contrast(one, other, same, temperature)
    return (there + in_batch_contrast(other, one, same, temperature)) / 2
