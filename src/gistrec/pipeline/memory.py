"""How much memory this process has held."""

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Start a new peak where the system can (Linux); elsewhere the peak stays that of the process.

    Beside it, nothing changes for the process.
    """
    try:
        _CLEAR.write_text("5", encoding="ascii")  # 5: reset the high water mark of resident memory
    except OSError:
        return


def peak_mib() -> float:
    """The most resident memory (MiB) this process held since `forget_peak`, or since its start."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
