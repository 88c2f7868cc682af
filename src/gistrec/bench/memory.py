"""How much memory a piece of work takes, beside what was held before."""

import ctypes
import gc
import sys
from collections.abc import Callable

import psutil
import torch

from gistrec.pipeline.memory import forget_peak, peak_mib

_MIB = 2**20
_SLACK_MIB = 32.0  # by which a peak that was reset may lie above what is held


def taken_mib(work: Callable[[], object], device: torch.device) -> float | None:
    """Run ``work``; by how many MiB its peak rose above what was held before.

    On CUDA of the allocator's own count, on the CPU of resident memory. None where the system
    cannot start a new peak.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return float(torch.cuda.max_memory_allocated() - before) / _MIB
    _give_back()
    forget_peak()
    held = peak_mib()
    resident = psutil.Process().memory_info().rss / _MIB
    work()
    return max(0.0, peak_mib() - held) if held - resident < _SLACK_MIB else None


def free_mib(device: torch.device) -> float:
    """MiB that new tensors may take on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return (free + unused) / _MIB
    return float(psutil.virtual_memory().available) / _MIB


def _give_back() -> None:
    """Hand freed memory back to the system; what is kept for reuse would hide a peak."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
