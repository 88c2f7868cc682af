"""How tables reach standard output: as wide as the terminal, whole in a pipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from gistrec.evaluation.row import Row

_NARROWEST = 100  # columns of a table of long texts; a pipe has no width of its own


def wide_console() -> Console:
    """A console on standard output, wide enough for texts in a table."""
    console = Console()
    return console if console.is_terminal else Console(width=max(_NARROWEST, console.width))


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none."""
    console = Console()
    return console.width if console.is_terminal else None


def print_whole(table: Table) -> None:
    """Print a table of numbers, none cut off.

    In a pipe it is as wide as it gets; on a terminal it is narrowed as far as its columns wrap.
    """
    from gistrec.evaluation.fitting import whole_width

    console = Console()
    if not console.is_terminal:
        console = Console(width=whole_width(table))
    elif all(column.no_wrap for column in table.columns):
        console = Console(width=max(console.width, whole_width(table)))
    console.print(table)


def print_leaderboard(rows: Sequence["Row"]) -> None:
    """Print rows as a table; on a narrow terminal it has fewer columns."""
    from gistrec.evaluation.table import leaderboard_table

    print_whole(leaderboard_table(rows, width=terminal_width()))


def tell_of_fusion(run: Path, rows: Sequence["Row"]) -> None:
    """Say, outside of what a command prints, where the fusion among rows of a run is none."""
    from gistrec.pipeline.fusion_note import told_of_fusion

    if told := told_of_fusion(run, rows):
        typer.echo(told, err=True)
