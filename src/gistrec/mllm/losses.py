"""What a choice among candidates costs."""

from typing import Literal

import torch
from torch.nn import functional


def candidate_loss(logits: torch.Tensor, kind: Literal["pairwise", "listwise"]) -> torch.Tensor:
    """The loss of rows whose first candidate is the positive, a scalar.

    Args:
        logits: [b, c] yes-minus-no.
        kind: `pairwise`, mean cross-entropy of the right answer to each candidate, positive and
            negatives weighing the same; `listwise`, cross-entropy of the positive among the row.
    """
    if kind == "listwise":
        return functional.cross_entropy(
            logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        )
    return 0.5 * (
        functional.softplus(-logits[:, 0]).mean() + functional.softplus(logits[:, 1:]).mean()
    )
