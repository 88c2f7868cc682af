"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")

console = Console(stderr=True)
_QUIET_SECONDS = 15.0  # how often a line is printed where there is no terminal


class _RateColumn(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="cyan")


def say(message: str) -> None:
    """Print one line for the person who waits, on standard error."""
    console.print(message, markup=False, highlight=False, soft_wrap=True)


def track(steps: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield from ``steps`` and show how far it is, how fast, and how long it will take."""
    if total is None and isinstance(steps, Sized):
        total = len(steps)
    if console.is_terminal:
        yield from _bar(steps, what, total)
    else:
        yield from _lines(steps, what, total)


def _bar(steps: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(steps, total=total, description=what)


def _lines(steps: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    start = last = time.monotonic()
    for done, step in enumerate(steps, start=1):
        yield step
        now = time.monotonic()
        if now - last >= _QUIET_SECONDS:
            last = now
            rate = done / (now - start)
            left = f", {(total - done) / rate:.0f} s left" if total else ""
            print(f"{what}: {done}/{total or '?'}, {rate:.1f}/s{left}", file=sys.stderr, flush=True)
