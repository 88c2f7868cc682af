"""A leaderboard as a person reads it on a terminal, however narrow."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from rich.markup import escape
from rich.table import Table

from gistrec.errors import RunError
from gistrec.evaluation.fitting import fitting
from gistrec.evaluation.metrics import AUC, RECALL
from gistrec.evaluation.protocol import PROTOCOLS
from gistrec.evaluation.row import Metric, Row

ORACLE = "oracle"  # stands on top whatever it reaches: it shows what can be reached
_HEADLINE = "HR@5"
_WITH_INTERVAL = (_HEADLINE, "NDCG@5")
_PLAIN = ("MRR@5", AUC)
# What a narrow terminal shows is what tells rows apart, and the headline.
_LEAST_FIRST = ("MRR@5", AUC, "users", "recall", "NDCG@5")


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    """By protocol, the full catalogue first; oracle on top; then by HR@5, NDCG@5 and name."""
    return sorted(
        rows,
        key=lambda row: (
            PROTOCOLS.index(row.protocol),
            row.system.split(" (")[0] != ORACLE,  # the run's name may follow
            *(-_level(row, name) for name in _WITH_INTERVAL),
            row.system,
            row.seeds,
        ),
    )


def _level(row: Row, name: str) -> float:
    return row.metrics[name].value if name in row.metrics else 0.0


def leaderboard_table(
    rows: Sequence[Row], title: str | None = None, width: int | None = None
) -> Table:
    """The rows as a table: HR@5 and NDCG@5 with 95% intervals, MRR@5, AUC, candidates' recall.

    Args:
        rows: in any order.
        title: instead of dataset and split.
        width: columns of a terminal, for which the least telling of these are left out.
    """
    ordered = sorted_rows(rows)
    return fitting(partial(_leaderboard, ordered, title or _title(ordered)), _LEAST_FIRST, width)


def _leaderboard(ordered: Sequence[Row], title: str | None, out: Sequence[str]) -> Table:
    """The table without the columns of ``out``."""
    recall = any(_shows_recall(row) for row in ordered)
    seeds = len({row.seeds for row in ordered if row.seeds}) > 1
    names = [*_WITH_INTERVAL, *_PLAIN, *(["recall"] if recall else [])]
    heads = ["protocol", "system", *(["seed"] if seeds else []), "users", *names]
    shown = [name for name in heads if name not in out]
    table = Table(title=title, title_justify="left", pad_edge=False)
    for name in shown:
        table.add_column(name, justify=_justify(name), no_wrap=True)
    for index, row in enumerate(ordered):
        cells = {
            "protocol": row.protocol,
            "system": escape(row.system),
            "seed": ",".join(map(str, row.seeds)),
            "users": f"{row.n_users:,}",
            "recall": _number(row.metrics[RECALL]) if _shows_recall(row) else "",
        }
        cells |= {name: _interval(row.metrics.get(name)) for name in _WITH_INTERVAL}
        cells |= {name: _number(row.metrics.get(name)) for name in _PLAIN}
        last = index + 1 == len(ordered) or ordered[index + 1].protocol != row.protocol
        table.add_row(*(cells[name] for name in shown), end_section=last)
    return table


def _justify(name: str) -> Literal["left", "right"]:
    return "left" if name in ("protocol", "system") else "right"


def _shows_recall(row: Row) -> bool:
    return RECALL in row.metrics and row.metrics[RECALL].value < 1


def _title(rows: Sequence[Row]) -> str | None:
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


def stratum_table(rows: Sequence[Row], kind: str, width: int | None = None) -> Table:
    """HR@5 and NDCG@5 of each system in each stratum of one kind, with 95% intervals.

    Args:
        rows: of one protocol.
        kind: of stratum.
        width: columns of a terminal, for which users, then NDCG@5, are left out.

    Raises:
        RunError: the rows have no such kind of stratum.
    """
    kinds = sorted({name for row in rows for name in row.strata})
    if kind not in kinds:
        raise RunError(f"strata of kind {kind!r} are unknown; choose from {', '.join(kinds)}")
    return fitting(partial(_strata, sorted_rows(rows), kind), _LEAST_FIRST, width)


def _strata(ordered: Sequence[Row], kind: str, out: Sequence[str]) -> Table:
    """The table without the columns of ``out``."""
    shown = [name for name in (kind, "system", "users", *_WITH_INTERVAL) if name not in out]
    table = Table(title=_title(ordered), title_justify="left", pad_edge=False)
    for name in shown:
        table.add_column(name, justify="left" if name == kind else _justify(name), no_wrap=True)
    labels = list(dict.fromkeys(label for row in ordered for label in row.strata.get(kind, {})))
    for label in labels:
        for row in ordered:
            stratum = row.strata.get(kind, {}).get(label)
            if stratum is not None:
                cells = {kind: label, "system": escape(row.system)}
                cells["users"] = f"{stratum.n_users:,}"
                for name in _WITH_INTERVAL:
                    cells[name] = _interval(stratum.metrics.get(name))
                table.add_row(*(cells[name] for name in shown))
        table.add_section()
    return table
