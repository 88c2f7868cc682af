"""The few geometric words that every drawing is made of, on a canvas of 100 x 100 units."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

# What a part is filled with; the numbers are palette entries while drawing.
BACKGROUND, BODY, TRIM, METAL, LINE, INK, SHADOW, FLOOR = range(8)


@dataclass(frozen=True)
class Part:
    """One filled polygon of a drawing.

    Attributes:
        points: float64 [n, 2], x to the right and y down, both from 0 to 100.
        fill: BODY (the colour, patterned), TRIM (a darker shade, plain) or METAL (grey).
    """

    points: Points
    fill: int = BODY


def poly(*corners: tuple[float, float], fill: int = BODY) -> Part:
    """A polygon through ``corners``."""
    return Part(np.asarray(corners, dtype=np.float64), fill)


def rect(left: float, top: float, right: float, bottom: float, fill: int = BODY) -> Part:
    """An upright rectangle."""
    return poly((left, top), (right, top), (right, bottom), (left, bottom), fill=fill)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Points:
    """Points [n, 2] on an ellipse, from ``start`` to ``end`` degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 20))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def disc(x: float, y: float, rx: float, ry: float | None = None, fill: int = BODY) -> Part:
    """A filled ellipse; a circle without ``ry``."""
    return Part(arc(x, y, rx, rx if ry is None else ry, 0, 342), fill)


def dome(x: float, y: float, rx: float, ry: float, fill: int = BODY) -> Part:
    """The upper half of an ellipse, standing on the line at height ``y``."""
    return Part(arc(x, y, rx, ry, 180, 360), fill)


def cup(x: float, y: float, rx: float, ry: float, fill: int = BODY) -> Part:
    """The lower half of an ellipse, hanging from the line at height ``y``."""
    return Part(arc(x, y, rx, ry, 0, 180), fill)


def band(
    x: float, y: float, rx: float, ry: float, start: float, end: float, width: float, fill: int
) -> Part:
    """A bent bar along an arc: handles, straps, hooks."""
    outer = arc(x, y, rx, ry, start, end)
    inner = arc(x, y, rx - width, ry - width, start, end)
    return Part(np.concatenate([outer, inner[::-1]]), fill)


def bar(x1: float, y1: float, x2: float, y2: float, width: float, fill: int = METAL) -> Part:
    """A straight bar from one point to another."""
    along = np.asarray([x2 - x1, y2 - y1], dtype=np.float64)
    across = np.asarray([-along[1], along[0]]) * (width / 2 / np.hypot(*along))
    start, end = np.asarray([x1, y1]), np.asarray([x2, y2])
    return Part(np.stack([start + across, end + across, end - across, start - across]), fill)
