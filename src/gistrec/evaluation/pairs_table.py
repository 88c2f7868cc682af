"""Pairs of systems as a person reads them on a terminal, however narrow."""

from collections.abc import Sequence
from functools import partial

from rich.markup import escape
from rich.table import Table

from gistrec.evaluation.fitting import fitting
from gistrec.evaluation.pairs import Pair

# The sentences below the table tell the rest.
_LEAST_FIRST = ("worse for", "better for", "effect", "95% interval")


def pairs_table(pairs: Sequence[Pair], title: str, width: int | None = None) -> Table:
    """One row a pair, in points (hundredths) of the metric.

    Args:
        pairs: in their order.
        title: above the table.
        width: columns of a terminal, for which the least telling columns are left out.
    """
    return fitting(partial(_pairs, pairs, title), _LEAST_FIRST, width)


def p_told(p: float) -> str:
    """A p-value as people write it."""
    return "< .001" if p < 0.001 else f"{p:.3f}"


def _pairs(pairs: Sequence[Pair], title: str, out: Sequence[str]) -> Table:
    """The table without the columns of ``out``."""
    figures = ("points", "95% interval", "p (Holm)", "effect", "better for", "worse for")
    shown = [name for name in figures if name not in out]
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    for column in ("better", "worse"):
        table.add_column(column, no_wrap=True)
    for column in shown:
        table.add_column(column, justify="right", no_wrap=True)
    for pair in pairs:
        low, high = (100 * value for value in (pair.difference.low, pair.difference.high))
        cells = {
            "points": f"{100 * pair.difference.value:.2f}",
            "95% interval": f"\\[{low:.2f}, {high:.2f}]",
            "p (Holm)": p_told(pair.p_holm),
            "effect": f"{pair.effect:.2f}",
            "better for": f"{pair.wins:.1%}",
            "worse for": f"{pair.losses:.1%}",
        }
        table.add_row(escape(pair.better), escape(pair.worse), *(cells[name] for name in shown))
    table.caption = "paired by user; p by the bootstrap, corrected for all pairs; effect: Cohen's d"
    return table
