"""Which places of a batch HM4SR hides in the copy that it is contrasted with."""

import torch
from torch import Tensor


def share_of(real: Tensor, share: float) -> Tensor:
    """Bool [b, s]: in each row ``share`` of the places that ``real`` (bool [b, s]) marks, drawn.

    Rounded down, as in the paper.
    """
    drawn = torch.rand(real.shape, device=real.device).masked_fill(~real, torch.inf)
    place = drawn.argsort(dim=1).argsort(dim=1)
    wanted = (share * real.sum(dim=1, keepdim=True)).floor()
    return (place < wanted) & real
