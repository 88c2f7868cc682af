"""Charts as pieces of a page: SVG that takes its colours and its letters from the page's style."""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins, each replaced by a variable of the style sheet, so that a chart follows the theme.
INK, FAINT, LINE = "#01020a", "#01020b", "#01020c"
OWN, BASELINE, ORACLE = "#01020d", "#01020e", "#01020f"
SERIES = ("#01020d", "#010210", "#010211", "#010212", "#010213")
STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))  # told apart without colours too
_VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    LINE: "--line",
    OWN: "--own",
    BASELINE: "--baseline",
    ORACLE: "--oracle",
    **{SERIES[place]: f"--series-{place + 1}" for place in range(1, len(SERIES))},
}
_POINTS_AN_INCH = 72  # a point of the drawing is a pixel of the page
_LONGEST = 26  # characters
_LETTERS = 11.0  # points: readable on a phone, where a chart is as wide as the screen


def panel(width: float = 340, height: float = 210) -> "tuple[Figure, Axes]":
    """An empty chart of one pair of axes; ``width`` and ``height`` in pixels of the page."""
    from matplotlib.figure import Figure

    size = (width / _POINTS_AN_INCH, height / _POINTS_AN_INCH)
    figure = Figure(figsize=size, dpi=_POINTS_AN_INCH, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(which="both", colors=INK, labelsize=_LETTERS, color=LINE, length=3)
    axes.xaxis.label.set(color=INK, size=_LETTERS)
    axes.yaxis.label.set(color=INK, size=_LETTERS)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def plain(text: str) -> str:
    """A name as a chart has room for it, in which a dollar sign opens no formula."""
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
    return cut.replace("$", r"\$")


def label(axes: "Axes", x: float, y: float, text: str, colour: str = INK) -> None:
    """Write at a place of the data."""
    axes.text(x, y, plain(text), color=colour, size=_LETTERS, va="center")


def legend(axes: "Axes") -> None:
    """Name the lines, above the chart."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        fontsize=_LETTERS,
        labelcolor=INK,
        borderaxespad=0.2,
        handlelength=2.4,
    )


def drawn(figure: "Figure", name: str, told: str) -> Markup:
    """A chart as a piece of HTML.

    Args:
        figure: whose colours are those of this module.
        name: starts with a letter; no other chart of the page has it.
        told: what it shows, for those who do not see it.
    """
    import matplotlib

    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(written.getvalue(), name, told)


def numbers(values: Sequence[float]) -> str:
    """Figures in a sentence."""
    return ", ".join(f"{value:.3g}" for value in values)


def _inlined(document: str, name: str, told: str) -> Markup:
    """What stands inside a document of matplotlib's, under names that are this chart's alone."""
    _, _, opened = document.partition("<svg")
    head, _, body = opened.partition(">")
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    assert found is not None  # matplotlib writes it so
    body = body.rpartition("</svg>")[0]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)  # it is of the whole page
    body = body.replace("xlink:href", "href")
    body = re.sub(r'( id="| href="#|url\(#)', rf"\g<1>{name}-", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    box = f'viewBox="0 0 {found[1]} {found[2]}" style="max-width:{1.25 * float(found[1]):.0f}px"'
    return Markup('<svg class="chart" role="img" aria-label="{}" {}>{}</svg>').format(
        escape(told), Markup(box), Markup(body)
    )
