"""What the figures rest on: the data, the run, its gists and tastes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from gistrec.evaluation.printed_systems import DatasetSize
from gistrec.evaluation.report.svg import OWN, drawn, panel

Lines = tuple[tuple[str, str], ...]  # what, and how much


@dataclass(frozen=True)
class DatasetCard:
    """The dataset in numbers, and how uneven its items are.

    Attributes:
        size: its counts, where papers count theirs.
    """

    name: str
    size: DatasetSize
    lines: Lines
    tail: Markup
    told: str


@dataclass(frozen=True)
class StageLine:
    """One stage of a run.

    Attributes:
        seconds: over all attempts.
        peak_mib: the most memory the process held by then.
    """

    stage: str
    seconds: float
    peak_mib: float
    attempts: int
    fingerprint: str


@dataclass(frozen=True)
class RunCard:
    """How the run was made.

    Attributes:
        config: YAML.
        versions: library and version.
        stages: in the order in which they were finished.
    """

    folder: str
    config: str
    versions: Lines
    stages: tuple[StageLine, ...]


@dataclass(frozen=True)
class QualityCard:
    """What the gists or the tastes of a run are like."""

    title: str
    meaning: str
    lines: Lines


def long_tail(counts: npt.NDArray[np.int64], mark: str = "") -> tuple[Markup, str]:
    """Items by how often they were chosen (int64 [n_items]), as a chart and a sentence.

    The name of the chart begins with ``mark``.
    """
    bounds = [0, 1]
    while bounds[-1] <= counts.max(initial=0):
        bounds.append(2 * bounds[-1])
    held = np.histogram(counts, [*bounds, np.inf])[0][: len(bounds) - 1].tolist()
    names = ["0", *(_between(low, high) for low, high in pairwise(bounds[1:]))]
    figure, axes = panel(height=190)
    axes.bar(range(len(held)), held, color=OWN, width=0.82)
    axes.set_xticks(range(len(held)), names, rotation=45 if len(held) > 6 else 0)
    axes.set_xlabel("interactions of an item")
    axes.set_ylabel("items")
    axes.grid(visible=False, axis="x")
    told = "; ".join(f"{name}: {count}" for name, count in zip(names, held, strict=True))
    chart = drawn(figure, f"{mark}tail", f"Items by their number of interactions: {told}")
    return chart, _uneven(counts)


def _between(low: int, high: int) -> str:
    return str(low) if high - low == 1 else f"{low}-{high - 1}"


def _uneven(counts: npt.NDArray[np.int64]) -> str:
    total = int(counts.sum())
    if not total:
        return "No item was ever chosen."
    top = -(-len(counts) // 10)
    share = np.sort(counts)[::-1][:top].sum() / total
    rare = (counts < 5).mean()
    return (
        f"The most popular tenth of the items takes {share:.0%} of all interactions; {rare:.0%} of "
        "the items have fewer than five, too few for a system that only counts."
    )
