"""How tables reach standard output: as wide as the terminal, never too narrow in a pipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from gistrec.evaluation.row import Row

_NARROWEST = 100  # columns a leaderboard needs; a pipe has no width of its own


def wide_console() -> Console:
    """A console on standard output, at least as wide as a leaderboard."""
    console = Console()
    return console if console.is_terminal else Console(width=max(_NARROWEST, console.width))


def print_leaderboard(rows: Sequence["Row"]) -> None:
    """Print rows as a table."""
    from gistrec.evaluation.table import leaderboard_table, sorted_rows

    wide_console().print(leaderboard_table(sorted_rows(rows)))
