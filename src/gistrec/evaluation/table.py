"""A leaderboard as a person reads it on a terminal of 100 columns."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gistrec.errors import RunError
from gistrec.evaluation.metrics import AUC, RECALL
from gistrec.evaluation.protocol import PROTOCOLS
from gistrec.evaluation.row import Metric, Row

ORACLE = "oracle"  # stands on top whatever it reaches: it shows what can be reached
_HEADLINE = "HR@5"
_WITH_INTERVAL = (_HEADLINE, "NDCG@5")
_PLAIN = ("MRR@5", AUC)


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    """By protocol, the full catalogue first; oracle on top; then the best HR@5 first."""
    return sorted(
        rows,
        key=lambda row: (
            PROTOCOLS.index(row.protocol),
            row.system.split(" (")[0] != ORACLE,  # the run's name may follow
            -(row.metrics[_HEADLINE].value if _HEADLINE in row.metrics else 0.0),
            row.system,
            row.seeds,
        ),
    )


def leaderboard_table(rows: Sequence[Row], title: str | None = None) -> Table:
    """The rows as a table: HR@5 and NDCG@5 with 95% intervals, MRR@5, AUC, candidates' recall."""
    ordered = sorted_rows(rows)
    recall = any(_shows_recall(row) for row in ordered)
    seeds = len({row.seeds for row in ordered if row.seeds}) > 1
    table = Table(title=title or _title(ordered), title_justify="left", pad_edge=False)
    table.add_column("protocol", no_wrap=True)
    table.add_column("system", overflow="fold", min_width=8)
    if seeds:
        table.add_column("seed", justify="right")
    table.add_column("users", justify="right", no_wrap=True)
    for name in (*_WITH_INTERVAL, *_PLAIN, *(["recall"] if recall else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for index, row in enumerate(ordered):
        cells = [row.protocol, escape(row.system)]
        cells += [",".join(map(str, row.seeds))] if seeds else []
        cells += [f"{row.n_users:,}"]
        cells += [_interval(row.metrics.get(name)) for name in _WITH_INTERVAL]
        cells += [_number(row.metrics.get(name)) for name in _PLAIN]
        cells += [_number(row.metrics[RECALL]) if _shows_recall(row) else ""] if recall else []
        last = index + 1 == len(ordered) or ordered[index + 1].protocol != row.protocol
        table.add_row(*cells, end_section=last)
    return table


def _shows_recall(row: Row) -> bool:
    return RECALL in row.metrics and row.metrics[RECALL].value < 1


def _title(rows: list[Row]) -> str | None:
    if not rows:
        return None
    first = rows[0]
    return escape(f"{first.dataset}, split {first.split} ({first.split_fingerprint})")


def _number(metric: Metric | None) -> str:
    return _short(metric.value) if metric else ""


def _interval(metric: Metric | None) -> str:
    if metric is None:
        return ""
    return f"{_short(metric.value)} \\[{_short(metric.low)}, {_short(metric.high)}]"


def _short(number: float) -> str:
    return f"{number:.3f}".replace("0.", ".", 1) if 0 <= number < 1 else f"{number:.3f}"


def stratum_table(rows: Sequence[Row], kind: str) -> Table:
    """HR@5 and NDCG@5 of each system in each stratum of one kind, with 95% intervals.

    Raises:
        RunError: the rows have no such kind of stratum.
    """
    kinds = sorted({name for row in rows for name in row.strata})
    if kind not in kinds:
        raise RunError(f"strata of kind {kind!r} are unknown; choose from {', '.join(kinds)}")
    table = Table(title=_title(list(rows)), title_justify="left", pad_edge=False)
    for name in (kind, "system", "users", *_WITH_INTERVAL):
        table.add_column(name, justify="left" if name in (kind, "system") else "right")
    labels = list(dict.fromkeys(label for row in rows for label in row.strata.get(kind, {})))
    for label in labels:
        for row in sorted_rows(rows):
            stratum = row.strata.get(kind, {}).get(label)
            if stratum is not None:
                shown = [_interval(stratum.metrics.get(name)) for name in _WITH_INTERVAL]
                table.add_row(label, escape(row.system), f"{stratum.n_users:,}", *shown)
        table.add_section()
    return table
