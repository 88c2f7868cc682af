"""How tables reach standard output: as wide as the terminal, whole in a pipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from gistrec.evaluation.row import Row

_NARROWEST = 100  # columns of a table of long texts; a pipe has no width of its own
_UNBOUND = 10_000


def wide_console() -> Console:
    """A console on standard output, wide enough for texts in a table."""
    console = Console()
    return console if console.is_terminal else Console(width=max(_NARROWEST, console.width))


def print_whole(table: Table) -> None:
    """Print a table of numbers: in a pipe none is cut off, however wide it gets."""
    console = Console()
    if not console.is_terminal:
        console = Console(
            width=Measurement.get(console, console.options.update(width=_UNBOUND), table).maximum
        )
    console.print(table)


def print_leaderboard(rows: Sequence["Row"]) -> None:
    """Print rows as a table."""
    from gistrec.evaluation.table import leaderboard_table, sorted_rows

    print_whole(leaderboard_table(sorted_rows(rows)))
