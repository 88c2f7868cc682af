"""The leaderboard of one protocol, as a table that can be sorted by every column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gistrec import schema
from gistrec.evaluation.metrics import AUC, RECALL
from gistrec.evaluation.report.entrants import Entrants, Kind
from gistrec.evaluation.row import Metric, Row
from gistrec.evaluation.table import ORACLE, sorted_rows

HEADLINE = "NDCG@5"
_SHOWN = (HEADLINE, "HR@5", "MRR@5", AUC)
_MEANING = {
    HEADLINE: "how far up the first five the next item stands; 1 is always first",
    "HR@5": "share of questions whose next item is among the first five",
    "MRR@5": "mean of 1 / place, counting the first five places",
    AUC: "share of the other items that stand below the next one; 0.5 is chance",
    RECALL: "share of questions whose next item the system looked at",
}
ASKED = {
    schema.FULL: "Each user's next item, among the whole catalogue less what the user had. "
    "This is the hard question, and the one that counts.",
    schema.SAMPLED: "Each user's next item, among a few others drawn at random. Papers ask so; it "
    "is easier, so figures are higher than over the whole catalogue.",
    schema.COLD_FULL: "The next item is one that nobody had in the training log, among everything.",
    schema.COLD_SAMPLED: "The next item is one that nobody had in the training log, among others "
    "of that kind, drawn at random.",
}


@dataclass(frozen=True)
class Column:
    """A heading, and what its figures mean."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """A figure.

    Attributes:
        text: as it is read; "" where there is none.
        value: as it is sorted; None stands last.
        interval: "low to high"; "" where there is none.
        bar: places of low, value and high from 0 to 100, where an interval is drawn.
    """

    text: str
    value: float | None = None
    interval: str = ""
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Line:
    """A system and its figures, one a column; of one that failed they are empty."""

    system: str
    kind: Kind | Literal["failed"]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Board:
    """All systems by one protocol, in the order of the leaderboard."""

    protocol: str
    asked: str
    users: int
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def boards(
    rows: Sequence[Row], entrants: Entrants, failed: Sequence[str] = ()
) -> tuple[Board, ...]:
    """A board for each protocol, the full catalogue first; ``failed`` stand at the end of each."""
    ordered = sorted(sorted_rows(rows), key=lambda row: (row.system != ORACLE, -level(row)))
    protocols = dict.fromkeys(row.protocol for row in sorted_rows(rows))
    return tuple(
        _board([row for row in ordered if row.protocol == protocol], entrants, failed)
        for protocol in protocols
    )


def level(row: Row) -> float:
    """What systems are ordered by."""
    return row.metrics[HEADLINE].value if HEADLINE in row.metrics else 0.0


def number(value: float) -> str:
    """A metric as the report writes it."""
    return f"{value:.3f}"


def span(seconds: float) -> str:
    """A time as people say it; runs count theirs in tenths of a second."""
    if seconds < 0.1:
        return f"{1000 * seconds:.2g} ms" if seconds else "under 0.1 s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _board(rows: Sequence[Row], entrants: Entrants, failed: Sequence[str]) -> Board:
    oracle = next((row for row in rows if row.system == ORACLE), None)
    recall = any(RECALL in row.metrics and row.metrics[RECALL].value < 1 for row in rows)
    names = (*_SHOWN, *((RECALL,) if recall else ()))
    columns = [Column(name.removeprefix("candidate "), _MEANING[name]) for name in names]
    if oracle is not None:
        columns.append(
            Column("of the oracle", f"{HEADLINE} as a share of the best that can be reached")
        )
    columns.append(Column("time", "of all that made the system, its measurement included"))
    columns.append(Column("memory, GiB", "the most that was held"))
    # The oracle is far above on many boards: on one scale with it, others would be dots.
    highest = max(
        (row.metrics[HEADLINE].high for row in rows if row is not oracle and level(row)),
        default=1.0,
    )
    lines = [
        Line(
            row.system,
            entrants.kind(row.system),
            (
                *(
                    _metric(
                        row.metrics.get(name),
                        highest if name == HEADLINE and row is not oracle else 0.0,
                    )
                    for name in names
                ),
                *(() if oracle is None else (_share(row, oracle),)),
                _cell(row.seconds, span),
                _cell(row.peak_mib, lambda mib: f"{mib / 1024:.1f}"),
            ),
        )
        for row in rows
    ]
    nothing = (Cell("failed"), *(Cell("") for _ in columns[1:]))
    lines += [Line(name, "failed", nothing) for name in failed]
    protocol = rows[0].protocol
    users = max(row.n_users for row in rows)
    return Board(protocol, ASKED[protocol], users, tuple(columns), tuple(lines))


def _metric(metric: Metric | None, highest: float) -> Cell:
    """With its interval drawn, where the scale goes to something."""
    if metric is None:
        return Cell("")
    bar = None
    if highest > 0:
        low, value, high = (
            round(100 * at / highest, 2) for at in (metric.low, metric.value, metric.high)
        )
        bar = (low, value, high)
    interval = ""
    if metric.low < metric.high:
        interval = f"{number(metric.low)} to {number(metric.high)}"
    return Cell(number(metric.value), metric.value, interval, bar)


def _share(row: Row, oracle: Row) -> Cell:
    best, found = oracle.metrics.get(HEADLINE), row.metrics.get(HEADLINE)
    if best is None or found is None or best.value == 0:
        return Cell("")
    share = found.value / best.value
    return Cell(f"{share:.0%}", share)


def _cell(value: float | None, written: Callable[[float], str]) -> Cell:
    return Cell("") if value is None else Cell(written(value), value)
