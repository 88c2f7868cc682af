"""The full system beside its variants: what each part is worth, and what papers print of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gistrec import schema
from gistrec.config.variants import ABLATION
from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.printed import Printed, beside
from gistrec.evaluation.report.board import HEADLINE, Cell, number
from gistrec.evaluation.report.svg import BASELINE, INK, OWN, drawn, panel, plain
from gistrec.evaluation.row import Metric

_SYSTEMS = "systems"  # of several seeds; they stand in the leaderboard
SETTINGS = "settings"  # a system of a study beside itself under other settings
TRANSFER = "transfer"  # the same where it was fine-tuned on other data, and baselines
_TITLES = {
    ABLATION: "Parts left out",
    SETTINGS: "Under other settings",
    TRANSFER: "Fine-tuned elsewhere, asked here",
}
_AS_IT_IS = {TRANSFER: "fine-tuned here: the ceiling"}


@dataclass(frozen=True)
class VariantLine:
    """One variant.

    Attributes:
        note: what is changed, or that nothing is.
        difference: to the full system; empty in its own line.
        sure: whether the interval of the difference leaves 0 out.
        printed: a paper's figures, one a column of ``Variants.printed``.
    """

    variant: str
    note: str
    value: Cell
    difference: Cell
    sure: bool
    printed: tuple[str, ...]


@dataclass(frozen=True)
class Variants:
    """The variants of one group by one protocol.

    Attributes:
        printed: headings of a paper's columns.
        source: the paper's table and its metrics; "" where none prints such variants.
    """

    title: str
    users: int
    seeds: tuple[int, ...]
    lines: tuple[VariantLine, ...]
    chart: Markup
    printed: tuple[str, ...]
    source: str


def variants(rows: Sequence[AblationRow], mark: str = "", of: str = "") -> tuple[Variants, ...]:
    """A table and a chart for each group and protocol, in the order of ``rows``.

    Names of charts begin with ``mark``, titles with ``of``.
    """
    kinds = dict.fromkeys((row.group, row.protocol) for row in rows if row.group != _SYSTEMS)
    return tuple(
        _variants(
            f"{mark}variants-{place}",
            of,
            [row for row in rows if (row.group, row.protocol) == (group, protocol)],
            group,
            protocol,
        )
        for place, (group, protocol) in enumerate(kinds)
    )


def _variants(name: str, of: str, rows: list[AblationRow], group: str, protocol: str) -> Variants:
    what = _TITLES.get(group, f"Values of {group}")
    what = f"{of}: {what[0].lower()}{what[1:]}" if of else what
    # Papers ask by sampled candidates.
    printed = None
    if group == ABLATION and protocol == schema.SAMPLED:
        printed = beside((row.variant for row in rows), rows[0].system)
    ordered = rows if group in _TITLES else _by_value(rows)
    return Variants(
        f"{what}, {protocol}",
        rows[0].n_users,
        rows[0].seeds,
        tuple(_line(row, printed) for row in ordered),
        _chart(name, ordered, f"{what}, {protocol}"),
        tuple(printed.rows) if printed else (),
        f"{printed.source}: {', '.join(printed.metrics)}" if printed else "",
    )


def _line(row: AblationRow, printed: Printed | None) -> VariantLine:
    difference = row.difference.get(HEADLINE)
    note = "; ".join(row.overrides)
    if row.same_as_full:
        note = (
            _AS_IT_IS.get(row.group, "the system as it is")
            if not row.difference
            else f"the same: {note} already"
        )
    return VariantLine(
        row.value or row.variant,
        note,
        _cell(row.metrics[HEADLINE]),
        Cell("") if difference is None else _cell(difference, "+.3f"),
        difference is not None and not difference.low <= 0 <= difference.high,
        tuple(", ".join(map(number, of.get(row.variant, ()))) for of in printed.rows.values())
        if printed
        else (),
    )


def _cell(metric: Metric, form: str = ".3f") -> Cell:
    value, low, high = (format(at, form) for at in (metric.value, metric.low, metric.high))
    return Cell(value, metric.value, f"{low} to {high}" if metric.low < metric.high else "")


def _by_value(rows: Sequence[AblationRow]) -> list[AblationRow]:
    """Values that are all numbers in their order."""
    values = [json.loads(row.value) for row in rows]
    if not all(isinstance(value, int | float) for value in values):
        return list(rows)
    return [rows[place] for place in sorted(range(len(rows)), key=values.__getitem__)]


def _chart(name: str, rows: Sequence[AblationRow], title: str) -> Markup:
    """Each variant with its interval, below one another; a line where the full system stands."""
    figure, axes = panel(height=60 + 24 * len(rows))
    places = range(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        metric, colour = row.metrics[HEADLINE], OWN if not row.difference else BASELINE
        axes.hlines(place, metric.low, metric.high, color=colour, linewidth=2)
        axes.plot([metric.value], [place], "o", color=colour, markersize=6)
        if not row.difference:
            axes.axvline(metric.value, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(list(places), [plain(row.value or row.variant) for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel(HEADLINE)
    axes.grid(visible=False, axis="y")
    told = "; ".join(
        f"{row.value or row.variant}: {number(row.metrics[HEADLINE].value)}" for row in rows
    )
    return drawn(figure, name, f"{title}, {HEADLINE}: {told}")
