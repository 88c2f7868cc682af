"""The loss of next-item prediction: softmax over the catalogue, or over a sample of it."""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def full_softmax(states: Tensor, targets: Tensor, table: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy over all known items.

    Args:
        states: float [m, d].
        targets: int64 [m], codes among ``known``.
        table: float [n, d] item embeddings.
        known: int64 [k] codes of the items that compete, ascending.
    """
    logits = (states @ table[known].T).float()
    return cross_entropy(logits, torch.searchsorted(known, targets))


def sampled_softmax(
    states: Tensor, targets: Tensor, table: Tensor, known: Tensor, negatives: int
) -> Tensor:
    """Mean cross-entropy against uniform negatives that all positions share.

    Each negative stands for ``k / negatives`` items (the logQ correction of uniform
    sampling), so that the sum estimates that of the full softmax; a negative that happens to be
    the target is left out. Shapes as in ``full_softmax``.
    """
    drawn = known[torch.randint(len(known), (negatives,), device=known.device)]
    positive = (states * table[targets]).sum(dim=1, keepdim=True).float()
    others = (states @ table[drawn].T).float() + math.log(len(known) / negatives)
    others = others.masked_fill(drawn[None, :] == targets[:, None], -torch.inf)
    logits = torch.cat([positive, others], dim=1)
    return cross_entropy(logits, targets.new_zeros(len(targets)))
