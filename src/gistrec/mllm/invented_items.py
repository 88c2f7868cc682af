"""Invented items, and what an invented user likes about them.

They are made of the primer's words and the telling words of the catalogue's texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.mllm.primer import primer_parts

_LIKED_TEXTS, _LIKED_OF_A_PART = 6, 2
_TRIES = 8  # texts looked at to find one that fits
_FAITHFUL = 0.85  # how often a choice follows the liking


@dataclass(frozen=True)
class Liking:
    """What an invented user likes.

    Attributes:
        parts: kinds, colours, patterns.
        words: of texts.
    """

    parts: tuple[tuple[str, ...], ...]
    words: frozenset[str]


@dataclass(frozen=True)
class InventedItem:
    """The words of an invented item.

    Attributes:
        seen: kind, colour, pattern.
        read: telling words of a text.
    """

    seen: tuple[str, ...]
    read: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.seen, *self.read)))


@dataclass(frozen=True)
class Goods:
    """What invented items are made of.

    Attributes:
        texts: telling words of each of the catalogue's texts; may be empty.
        parts: values of each part of a drawing: kinds, colours, patterns; empty where nothing is
            drawn, so that a catalogue without images is not told of colours.
    """

    texts: Sequence[Sequence[str]]
    parts: tuple[tuple[str, ...], ...] = primer_parts()

    def liking(self, rng: np.random.Generator) -> Liking:
        """Two values of each part, and two words of each of six texts."""
        parts = tuple(
            tuple(str(word) for word in rng.choice(part, _LIKED_OF_A_PART, replace=False))
            for part in self.parts
        )
        words: set[str] = set()
        for _ in range(_LIKED_TEXTS if self.texts else 0):
            told = self.texts[int(rng.integers(len(self.texts)))]
            words.update(told[place] for place in rng.permutation(len(told))[:2])
        return Liking(parts, frozenset(words))

    def item(self, liking: Liking | None, rng: np.random.Generator) -> InventedItem:
        """An item that follows ``liking``, or any."""
        seen = []
        for place, part in enumerate(self.parts):
            faithful = liking is not None and rng.random() < _FAITHFUL
            liked = liking.parts[place] if liking is not None and faithful else part
            seen.append(liked[rng.integers(len(liked))])
        if not self.texts:
            return InventedItem(tuple(seen), ())
        found = [self.texts[row] for row in rng.integers(len(self.texts), size=_TRIES).tolist()]
        fits = [0 if liking is None else len(liking.words.intersection(told)) for told in found]
        return InventedItem(tuple(seen), tuple(found[int(np.argmax(fits))]))
