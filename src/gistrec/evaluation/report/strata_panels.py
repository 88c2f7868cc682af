"""Where each system is good: small charts over how rare the item is, and how long the history."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gistrec import schema
from gistrec.evaluation.report.board import HEADLINE, level, number
from gistrec.evaluation.report.entrants import COLOURS, Entrants
from gistrec.evaluation.report.svg import FAINT, drawn, panel
from gistrec.evaluation.row import Row
from gistrec.evaluation.strata import FREQUENCY, LENGTH

_KINDS = {
    FREQUENCY: (
        "How often the next item stands in the training log",
        schema.FREQUENCY_STRATA,
        "times in the training log",
    ),
    LENGTH: ("How many items of the user are known", schema.LENGTH_STRATA, "items in the history"),
}


@dataclass(frozen=True)
class Panel:
    """One system beside all others."""

    system: str
    chart: Markup


@dataclass(frozen=True)
class Strata:
    """Small charts of one kind, and the same in figures.

    Attributes:
        labels: with how many users are in each.
        figures: (system, a figure with its interval for each label).
    """

    title: str
    protocol: str
    labels: tuple[tuple[str, int], ...]
    panels: tuple[Panel, ...]
    figures: tuple[tuple[str, tuple[str, ...]], ...]


def strata_panels(rows: Sequence[Row], entrants: Entrants, mark: str = "") -> tuple[Strata, ...]:
    """One set of charts a kind; kinds with fewer than two strata say nothing and are left out.

    ``rows`` are of one protocol; names of charts begin with ``mark``.
    """
    ordered = sorted(rows, key=level, reverse=True)
    found = (_of_kind(ordered, kind, entrants, mark) for kind in _KINDS)
    return tuple(strata for strata in found if strata is not None)


def _of_kind(rows: Sequence[Row], kind: str, entrants: Entrants, mark: str) -> Strata | None:
    title, bounds, axis = _KINDS[kind]
    there = [row for row in rows if row.strata.get(kind)]
    # The oracle is far above: on one scale with it, the others would lie flat.
    drawn_rows = [row for row in there if entrants.kind(row.system) != "oracle"]
    labels = [label for label, *_ in bounds if any(label in row.strata[kind] for row in there)]
    if len(labels) < 2:
        return None
    users = [
        max(row.strata[kind][label].n_users for row in there if label in row.strata[kind])
        for label in labels
    ]
    protocol = there[0].protocol
    return Strata(
        title,
        protocol,
        tuple(zip(labels, users, strict=True)),
        tuple(
            Panel(
                row.system,
                _chart(f"{mark}{kind}-{place}", row, drawn_rows, kind, labels, axis, entrants),
            )
            for place, row in enumerate(drawn_rows)
        ),
        tuple((row.system, tuple(_figure(row, kind, label) for label in labels)) for row in there),
    )


def _figure(row: Row, kind: str, label: str) -> str:
    stratum = row.strata[kind].get(label)
    if stratum is None:
        return ""
    metric = stratum.metrics[HEADLINE]
    return f"{number(metric.value)} ({number(metric.low)} to {number(metric.high)})"


def _chart(
    name: str,
    row: Row,
    rows: Sequence[Row],
    kind: str,
    labels: Sequence[str],
    axis: str,
    entrants: Entrants,
) -> Markup:
    figure, axes = panel(260, 170)
    for other in rows:
        if other is not row:
            axes.plot(*_points(other, kind, labels), color=FAINT, linewidth=0.9)
    colour = COLOURS[entrants.kind(row.system)]
    places, values = _points(row, kind, labels)
    metrics = [row.strata[kind][labels[place]].metrics[HEADLINE] for place in places]
    lows, highs = [one.low for one in metrics], [one.high for one in metrics]
    axes.vlines(places, lows, highs, color=colour, linewidth=1.6)
    axes.plot(places, values, color=colour, marker="o", markersize=4, linewidth=1.8)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.3, len(labels) - 0.7)
    axes.set_ylim(0, _highest(rows, kind))
    axes.set_xlabel(axis)
    axes.grid(visible=False, axis="x")
    told = ", ".join(f"{labels[at]}: {value:.3f}" for at, value in zip(places, values, strict=True))
    return drawn(figure, name, f"{row.system}, {HEADLINE} by {axis}: {told}")


def _points(row: Row, kind: str, labels: Sequence[str]) -> tuple[list[int], list[float]]:
    parts = row.strata[kind]
    places = [place for place, label in enumerate(labels) if label in parts]
    return places, [parts[labels[place]].metrics[HEADLINE].value for place in places]


def _highest(rows: Sequence[Row], kind: str) -> float:
    """The top of the scale that all charts of a kind share."""
    parts = [part for row in rows for part in row.strata[kind].values()]
    return max(part.metrics[HEADLINE].high for part in parts) * 1.03 or 1.0
