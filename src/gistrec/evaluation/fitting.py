"""Tables on narrow terminals: whole columns are left out, and no name or figure is cut."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_UNBOUND = 10_000


def whole_width(table: Table) -> int:
    """Columns of a terminal that show the table with no cell wrapped or cut."""
    return _measured(table).maximum


def narrowest_width(table: Table) -> int:
    """Columns of a terminal that show the table with none cut, its cells wrapped where they may."""
    return _measured(table).minimum


def _measured(table: Table) -> Measurement:
    console = Console(width=_UNBOUND)
    return Measurement.get(console, console.options, table)


def fitting(
    build: Callable[[Sequence[str]], Table], least_first: Sequence[str], width: int | None
) -> Table:
    """The table less as few columns as make it fit; a caption names them.

    Args:
        build: the table without columns of these names.
        least_first: columns that may be left out, in this order; those it has not are passed over.
        width: columns of the terminal; None for no bound. Where it is too small even for what may
            not be left out, the table is wider.
    """
    table, out = build(()), list[str]()
    for name in least_first:
        if width is None or whole_width(table) <= width:
            break
        if any(column.header == name for column in table.columns):
            out.append(name)
            table = build(out)
    if out:
        table.caption = f"too narrow for {', '.join(out)}"
        table.caption_justify = "left"
    return table
