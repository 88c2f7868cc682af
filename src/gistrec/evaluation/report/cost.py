"""Quality against cost: what a system takes, and what it gives for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gistrec.evaluation.report.board import HEADLINE, span
from gistrec.evaluation.report.entrants import COLOURS, Entrants
from gistrec.evaluation.report.svg import LINE, drawn, label, panel
from gistrec.evaluation.row import Metric, Row

_LEAST = 0.05  # seconds: runs count theirs in tenths, and a logarithmic scale has no 0
_GAP = 0.075  # of the height of the chart, between names
_MOST_NAMES = 12  # that have this much room
_LONG = 14  # characters of a name that leaves room for few marks of the scale


@dataclass(frozen=True)
class Priced:
    """A chart of quality against one kind of cost."""

    title: str
    meaning: str
    chart: Markup


@dataclass(frozen=True)
class _Point:
    system: str
    seconds: float
    metric: Metric


def priced(
    rows: Sequence[Row], answering: Mapping[str, float], entrants: Entrants, mark: str = ""
) -> tuple[Priced, ...]:
    """A chart of what making each system took, and one of what a question takes.

    Args:
        rows: of one protocol.
        answering: seconds a question by system, where they are known.
        entrants: whose the systems are.
        mark: what names of charts begin with, where a page has more of these.
    """
    # The oracle knows the answer for nothing.
    rivals = [row for row in rows if entrants.kind(row.system) != "oracle"]
    both = (
        (
            "All that made the system",
            "Training, gists and measurement together, as the run counted them.",
            {row.system: max(row.seconds, _LEAST) for row in rows if row.seconds is not None},
        ),
        (
            "One question",
            "Seconds of the measurement, shared over all the questions it asked by all protocols. "
            "Baselines answer for many users at once.",
            {system: seconds for system, seconds in answering.items() if seconds},
        ),
    )
    return tuple(
        Priced(title, meaning, _chart(f"{mark}cost-{place}", title, points, entrants))
        for place, (title, meaning, seconds) in enumerate(both)
        if len(points := _points(rivals, seconds)) > 1
    )


def _points(rows: Sequence[Row], seconds: Mapping[str, float]) -> list[_Point]:
    found = [
        _Point(row.system, seconds[row.system], row.metrics[HEADLINE])
        for row in rows
        if row.system in seconds and HEADLINE in row.metrics
    ]
    return sorted(found, key=lambda point: point.metric.value)


def _chart(name: str, title: str, points: Sequence[_Point], entrants: Entrants) -> Markup:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure, axes = panel(height=max(270, 60 + 19 * len(points)))
    top = max(point.metric.high for point in points) * 1.05 or 1.0
    for point in points:
        colour = COLOURS[entrants.kind(point.system)]
        low, high = point.metric.low, point.metric.high
        axes.vlines(point.seconds, low, high, color=colour, linewidth=1.4)
        axes.plot([point.seconds], [point.metric.value], "o", color=colour, markersize=6)
    axes.set_xscale("log")
    longest = max(len(point.system) for point in points)
    axes.set_ylim(0, top)
    axes.set_ylabel(HEADLINE)
    axes.xaxis.set_major_locator(LogLocator(numticks=3 if longest > _LONG else 4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _tick(seconds)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    # Names stand in a column of their own, so that they cover neither points nor each other.
    left, right = axes.get_xlim()
    beyond = right * (right / left) ** 0.06
    heights = _apart(
        [point.metric.value for point in points], top * min(_GAP, _GAP * _MOST_NAMES / len(points))
    )
    for point, height in zip(points, heights, strict=True):
        axes.plot(
            [point.seconds, beyond],
            [point.metric.value, height],
            color=LINE,
            linewidth=0.8,
            clip_on=False,
            zorder=0,
        )
        label(axes, beyond, height, f" {point.system}", COLOURS[entrants.kind(point.system)])
    axes.set_xlim(left, right)
    told = "; ".join(
        f"{point.system} {span(point.seconds)}, {point.metric.value:.3f}" for point in points
    )
    return drawn(figure, name, f"{HEADLINE} against seconds. {title}: {told}")


def _tick(seconds: float) -> str:
    """A power of ten as people say it."""
    if seconds >= 1:
        return f"{seconds:,.0f} s"
    return f"{1e3 * seconds:g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:g} \N{MICRO SIGN}s"


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Ascending heights near ascending ``values``, at least ``gap`` from one another, from 0 on."""
    groups: list[list[float]] = []  # values that push one another aside share one centre
    for value in values:
        groups.append([value])
        while len(groups) > 1 and _start(groups[-1], gap) < _end(groups[-2], gap) + gap:
            last = groups.pop()
            groups[-1] += last
    return [_start(group, gap) + place * gap for group in groups for place in range(len(group))]


def _start(group: Sequence[float], gap: float) -> float:
    """Where the lowest of a group stands: around its mean, but not below the axis."""
    return max(sum(group) / len(group) - (len(group) - 1) * gap / 2, gap / 3)


def _end(group: Sequence[float], gap: float) -> float:
    return _start(group, gap) + (len(group) - 1) * gap
