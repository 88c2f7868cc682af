"""Several ways to do one thing, timed in turns so that a disturbance meets them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from gistrec.bench.memory import taken_mib


@dataclass(frozen=True)
class Work:
    """What is timed, and what is done before each time, off the clock."""

    run: Callable[[], object]
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Timed:
    """Seconds of each run, and the MiB that a run took at its peak (see ``taken_mib``)."""

    seconds: tuple[float, ...]
    peak_mib: float | None

    @property
    def best(self) -> float:
        """Seconds of the least disturbed run."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return statistics.median(self.seconds)


def take_turns(
    works: Mapping[str, Work], device: torch.device, repeats: int, limit_seconds: float
) -> dict[str, Timed]:
    """Time each of ``works``, one after the other, then again in the opposite order, and so on.

    The first run of each warms up and shows its memory. It counts only where another would take
    it past the limit.

    Args:
        works: by name.
        device: what to wait for, and whose memory is meant.
        repeats: runs of each at most.
        limit_seconds: of all counted runs of a work together; a single one may take longer.
    """
    first: dict[str, tuple[float, float | None]] = {}
    counted: dict[str, list[float]] = {}
    for name, work in works.items():
        first[name] = seconds, _ = _first_run(work, device)
        counted[name] = [seconds] if 2 * seconds > limit_seconds else []
    for turn in range(repeats):
        for name in list(works)[:: 1 if turn % 2 == 0 else -1]:
            done = counted[name]
            expected = min(done, default=first[name][0])
            if len(done) < repeats and sum(done) + expected <= limit_seconds:
                works[name].before()
                done.append(seconds_of(works[name].run, device))
    return {name: Timed(tuple(done), first[name][1]) for name, done in counted.items()}


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Wall clock of one run, until the device is done with it."""
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def _first_run(work: Work, device: torch.device) -> tuple[float, float | None]:
    seconds = []
    work.before()
    peak = taken_mib(lambda: seconds.append(seconds_of(work.run, device)), device)
    return seconds[0], peak


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
