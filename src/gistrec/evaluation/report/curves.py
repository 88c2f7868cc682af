"""How training went: validation after each epoch, rewards over the steps of a tuning."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gistrec.evaluation.report.svg import SERIES, STYLES, drawn, legend, numbers, panel, plain


@dataclass(frozen=True)
class Curve:
    """A line.

    Attributes:
        points: (x, y), x ascending.
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Course:
    """Lines that stand in one chart.

    Attributes:
        title: what was trained.
        x, y: names of the axes.
        curves: one or more; those without points are not drawn.
        best: the x that was kept; None where that is not known.
    """

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    best: float | None = None


@dataclass(frozen=True)
class CoursePanel:
    """A chart, and a sentence about it."""

    title: str
    told: str
    chart: Markup


def course_panels(courses: Sequence[Course], mark: str = "") -> tuple[CoursePanel, ...]:
    """A chart for each course that has a point; their names begin with ``mark``."""
    return tuple(
        CoursePanel(course.title, _told(course), _chart(f"{mark}course-{place}", course))
        for place, course in enumerate(courses)
        if any(curve.points for curve in course.curves)
    )


def _told(course: Course) -> str:
    if course.best is None:
        return ""
    if course.best == 0:
        return f"None was better than the start, which was kept ({course.x} 0)."
    return f"{course.x.capitalize()} {course.best:g} was kept."


def _chart(name: str, course: Course) -> Markup:
    figure, axes = panel(height=200)
    shown = [curve for curve in course.curves if curve.points]
    for place, curve in enumerate(shown):
        xs, ys = zip(*curve.points, strict=True)
        axes.plot(
            xs,
            ys,
            color=SERIES[place % len(SERIES)],
            linestyle=STYLES[place % len(STYLES)],
            marker="o" if len(xs) < 40 else "",
            markersize=3.5,
            linewidth=1.6,
            label=plain(curve.name),
        )
    if course.best:
        axes.axvline(course.best, color=SERIES[0], linewidth=0.8, linestyle=":")
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel(course.x)
    axes.set_ylabel(course.y)
    if len(shown) > 1:
        legend(axes)
    told = "; ".join(
        f"{curve.name} from {numbers([curve.points[0][1]])} to {numbers([curve.points[-1][1]])}"
        for curve in shown
    )
    return drawn(figure, name, f"{course.title}, {course.y} over {course.x}: {told}")
