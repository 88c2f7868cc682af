"""Pairs of systems as a person reads them on a terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gistrec.evaluation.pairs import Pair


def pairs_table(pairs: Sequence[Pair], title: str) -> Table:
    """One row a pair, in points (hundredths) of the metric."""
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    for column in ("better", "worse"):
        table.add_column(column, overflow="fold", min_width=8)
    for column in ("points", "95% interval", "p (Holm)", "effect", "better for", "worse for"):
        table.add_column(column, justify="right", no_wrap=True)
    for pair in pairs:
        low, high = (100 * value for value in (pair.difference.low, pair.difference.high))
        table.add_row(
            escape(pair.better),
            escape(pair.worse),
            f"{100 * pair.difference.value:.2f}",
            f"\\[{low:.2f}, {high:.2f}]",
            "< .001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}",
            f"{pair.effect:.2f}",
            f"{pair.wins:.1%}",
            f"{pair.losses:.1%}",
        )
    table.caption = "paired by user; p by the bootstrap, corrected for all pairs; effect: Cohen's d"
    return table
