"""Drawings of goods: any kind in any colour and pattern, no two alike."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gistrec.data.bazaar.glyphs_away import AWAY
from gistrec.data.bazaar.glyphs_home import HOME
from gistrec.data.bazaar.shapes import (
    BACKGROUND,
    BODY,
    FLOOR,
    INK,
    LINE,
    METAL,
    SHADOW,
    TRIM,
    Part,
)

_OVERSAMPLING = 3  # drawn this much larger, then averaged: smooth edges

_GLYPHS: Final[dict[str, tuple[Part, ...]]] = HOME | AWAY
_RGB: Final[dict[str, tuple[int, int, int]]] = {
    "red": (214, 40, 44),
    "orange": (245, 140, 24),
    "yellow": (246, 214, 48),
    "green": (44, 150, 66),
    "blue": (40, 92, 208),
    "purple": (128, 52, 168),
    "pink": (247, 148, 190),
    "brown": (118, 72, 38),
}
_DARK_INK: Final = frozenset({"orange", "yellow", "pink"})  # white would not show on these

KINDS: Final[tuple[str, ...]] = tuple(_GLYPHS)
COLOURS: Final[tuple[str, ...]] = tuple(_RGB)
PATTERNS: Final[tuple[str, ...]] = ("plain", "striped", "dotted", "checked", "zigzag")


def draw(
    kind: str, colour: str, pattern: str, rng: np.random.Generator, size: int = 64
) -> Image.Image:
    """Draw one of the goods, in RGB, ``size`` pixels square.

    Place, scale, turn, brightness, background and the pattern's place vary with ``rng``, which is
    advanced by the same steps whatever is drawn.

    Raises:
        KeyError: ``kind`` or ``colour`` is none of KINDS, COLOURS.
        ValueError: ``pattern`` is none of PATTERNS.
    """
    side = size * _OVERSAMPLING
    jitter = rng.uniform(-1.0, 1.0, size=14)
    labels = Image.new("P", (side, side), BACKGROUND)
    _draw_ground(labels, jitter[:3])
    _draw_parts(labels, _GLYPHS[kind], jitter[3:7])
    _draw_pattern(labels, pattern, jitter[7:9])
    labels.putpalette(_palette(colour, jitter[9:14]).ravel().tolist())
    return labels.convert("RGB").reduce(_OVERSAMPLING)


def nominal_rgb(colour: str) -> tuple[int, int, int]:
    """The red, green and blue (0 to 255) that drawings in ``colour`` vary around."""
    return _RGB[colour]


def _draw_ground(labels: Image.Image, jitter: npt.NDArray[np.float64]) -> None:
    """A floor whose edge stands higher or lower, and a shadow on it."""
    side = labels.width
    pen = ImageDraw.Draw(labels)
    pen.rectangle((0, side * (0.78 + 0.12 * jitter[0]), side, side), fill=FLOOR)
    middle, reach = side * (0.5 + 0.06 * jitter[1]), side * (0.34 + 0.06 * jitter[2])
    pen.ellipse((middle - reach, side * 0.86, middle + reach, side * 0.95), fill=SHADOW)


def _draw_parts(
    labels: Image.Image, parts: tuple[Part, ...], jitter: npt.NDArray[np.float64]
) -> None:
    """The shape itself: scaled, turned, shifted."""
    side = labels.width
    pen = ImageDraw.Draw(labels)
    scale = side / 100 * (0.83 + 0.08 * jitter[0])
    angle = np.radians(9.0 * jitter[1])
    turn = scale * np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = side * (0.5 + 0.05 * jitter[2:4])
    for part in parts:
        corners = ((part.points - 50.0) @ turn + centre).ravel().tolist()
        pen.polygon(corners, fill=part.fill)
        pen.line([*corners, *corners[:2]], fill=LINE, width=max(1, side // 72))


def _draw_pattern(labels: Image.Image, pattern: str, jitter: npt.NDArray[np.float64]) -> None:
    """Ink over the body, wherever the shape shows it."""
    side = labels.width
    sheet = _pattern_sheet(pattern, side)
    left, top = (int(shift) for shift in (jitter + 1.0) * side / 4)
    pixels = np.asarray(labels)
    inked = sheet[top : top + side, left : left + side] & (pixels == BODY)
    labels.paste(INK, mask=Image.fromarray(inked))


@lru_cache(maxsize=16)
def _pattern_sheet(pattern: str, side: int) -> npt.NDArray[np.bool_]:
    """Bool [1.5 side, 1.5 side]: where the pattern has ink; cut at a random place for a drawing."""
    unit = 64 / side
    y, x = np.mgrid[0 : side * 3 // 2, 0 : side * 3 // 2] * unit  # in pixels of a 64-pixel drawing
    if pattern == "plain":
        return np.zeros(x.shape, dtype=np.bool_)
    if pattern == "striped":
        return np.asarray((x + y) % 11 < 4.5)
    if pattern == "dotted":
        row = np.floor(y / 8)
        return np.asarray(((x + 5 * (row % 2)) % 10 - 5) ** 2 + (y % 8 - 4) ** 2 < 2.7**2)
    if pattern == "checked":
        return np.asarray((x % 12 < 6) ^ (y % 12 < 6))
    if pattern == "zigzag":
        return np.asarray((y + 1.3 * np.abs(x % 10 - 5)) % 10 < 3.6)
    raise ValueError(f"no pattern is called {pattern!r}; there are {', '.join(PATTERNS)}")


def _palette(colour: str, jitter: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """uint8 [8, 3]: what each label looks like in this drawing."""
    light = 1.0 + 0.09 * jitter[0]
    body = np.asarray(_RGB[colour]) * light + 7.0 * jitter[1:4]
    ground = np.asarray([236.0, 234.0, 229.0]) + 9.0 * jitter[4] + 5.0 * jitter[1:4]
    entries = np.zeros((8, 3))
    entries[BACKGROUND], entries[FLOOR], entries[SHADOW] = ground, ground - 16.0, ground - 48.0
    entries[BODY], entries[TRIM], entries[LINE] = body, body * 0.72, body * 0.3
    entries[METAL] = np.asarray([112.0, 112.0, 116.0]) * light
    entries[INK] = body * 0.45 if colour in _DARK_INK else 0.12 * body + 0.88 * 255.0
    return np.clip(entries, 0, 255).astype(np.uint8)
