"""Variants beside the full system, and sweeps over one setting, as pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.row import Metric
from gistrec.files import written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = ("HR@5", "NDCG@5")
_WIDTH, _LINE, _HEAD = 9.0, 0.32, 1.1  # inches


def plot_ablation(rows: Sequence[AblationRow], target: Path) -> None:
    """Each variant's HR@5 and NDCG@5 with intervals, a band of panels for each protocol.

    ``rows`` are of one group, the full system first; ``target`` is a PNG, replaced whole.
    """
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    count = max(sum(row.protocol == protocol for row in rows) for protocol in protocols)
    figure, axes = _panels(len(protocols), _HEAD + _LINE * count)
    for band, protocol in zip(axes, protocols, strict=True):
        mine = [row for row in rows if row.protocol == protocol][::-1]
        for axis, name in zip(band, _SHOWN, strict=True):
            found = [row.metrics[name] for row in mine]
            names = [row.variant for row in mine]
            values = [metric.value for metric in found]
            axis.errorbar(values, range(len(mine)), xerr=_around(found), fmt="o", capsize=3)
            axis.axvline(values[-1], linewidth=0.8, linestyle=":")
            axis.set_yticks(range(len(mine)), names if name == _SHOWN[0] else [""] * len(mine))
            axis.set_title(f"{name}, {protocol}", fontsize=9)
    _save(figure, target)


def plot_sweep(rows: Sequence[AblationRow], target: Path) -> None:
    """HR@5 and NDCG@5 with intervals over the values of one setting, a band for each protocol.

    ``rows`` are of one sweep; values that are all numbers are laid out as such. ``target`` is a
    PNG, replaced whole.
    """
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    figure, axes = _panels(len(protocols), 2.6)
    for band, protocol in zip(axes, protocols, strict=True):
        mine, places = _placed([row for row in rows if row.protocol == protocol])
        names = [row.value for row in mine]
        for axis, name in zip(band, _SHOWN, strict=True):
            found = [row.metrics[name] for row in mine]
            values = [metric.value for metric in found]
            axis.errorbar(places, values, yerr=_around(found), fmt="o-", capsize=3)
            axis.set_xticks(places, names)
            axis.set_xlabel(rows[0].group)
            axis.set_title(f"{name}, {protocol}", fontsize=9)
    _save(figure, target)


def _panels(bands: int, height: float) -> "tuple[Figure, Any]":
    """A figure with a row of axes for each band."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height * bands), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(bands, len(_SHOWN), squeeze=False)


def _save(figure: "Figure", target: Path) -> None:
    with written_aside(target) as aside:
        figure.savefig(aside, format="png", dpi=120)


def _around(found: Sequence[Metric]) -> list[list[float]]:
    """Lengths of the error bars below and above."""
    below = [metric.value - metric.low for metric in found]
    return [below, [metric.high - metric.value for metric in found]]


def _placed(rows: Sequence[AblationRow]) -> tuple[list[AblationRow], list[float]]:
    """The rows from left to right, and where each stands on the axis."""
    values = [json.loads(row.value) for row in rows]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        order = sorted(range(len(rows)), key=lambda place: values[place])
        return [rows[place] for place in order], [float(values[place]) for place in order]
    return list(rows), [float(place) for place in range(len(rows))]
