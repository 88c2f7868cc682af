"""The primer: captioned drawings that teach a new backbone's eyes the words for what they see.

It stands in for the pretraining that a real backbone brings. It draws its own goods and never sees
a catalogue.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gistrec.data.bazaar.drawing import COLOURS, KINDS, PATTERNS, draw

_STREAM = 8101  # keeps the primer's drawings apart from a bazaar's with the same seed


@dataclass(frozen=True)
class Drawing:
    """A drawing and the words for its kind, colour and pattern."""

    image: Image.Image
    words: tuple[str, str, str]


def draw_primer(count: int, side: int, seed: int) -> list[Drawing]:
    """Draw ``count`` goods of random kind, colour and pattern, ``side`` pixels square."""
    rng = np.random.default_rng([seed, _STREAM])
    drawings = []
    for _ in range(count):
        words = (
            KINDS[rng.integers(len(KINDS))],
            COLOURS[rng.integers(len(COLOURS))],
            PATTERNS[rng.integers(len(PATTERNS))],
        )
        drawings.append(Drawing(draw(*words, rng, side), words))
    return drawings


def primer_parts() -> tuple[tuple[str, ...], ...]:
    """The words for kinds, for colours, for patterns."""
    return KINDS, COLOURS, PATTERNS


def primer_words() -> tuple[str, ...]:
    """Every word that a primer caption may hold."""
    return (*KINDS, *COLOURS, *PATTERNS)
