"""Which of torch's kernels a CPU trains with."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SHORT = 256  # tokens of a row, padding included


def cpu_training_kernel(ids: torch.Tensor) -> AbstractContextManager[None]:
    """For rows of ids [b, s] whose gradients are wanted: short ones take the plain kernel.

    Backward it is about twice as fast as the fused one there; long rows are the other way round.
    The backward pass goes by what the forward pass took.
    """
    short = ids.shape[1] <= SHORT and ids.device.type == "cpu" and torch.is_grad_enabled()
    return sdpa_kernel(SDPBackend.MATH) if short else nullcontext()
