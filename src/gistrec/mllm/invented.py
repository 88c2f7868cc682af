"""Invented users: short lists of invented items, and which of a few more would fit.

They teach a new backbone to compare what is asked about with what was told, as any pretrained one
can. The items are made of the primer's words and the telling words of the catalogue's texts; no
user of any log is behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.primer import primer_parts

_STREAM = 8103
_HISTORY, _NEARBY, _CANDIDATES = 6, 3, 5
_NEARBY_FITS = 0.3
_LIKED_TEXTS, _LIKED_OF_A_PART = 6, 2
_TRIES = 8  # texts looked at to find one that fits
_FAITHFUL = 0.85  # how often a choice follows the taste


@dataclass(frozen=True)
class _Taste:
    parts: tuple[tuple[str, ...], ...]  # liked kinds, colours, patterns
    words: frozenset[str]  # liked words of texts


def invented_rows(
    backbone: Backbone,
    nouns: prompts.Nouns,
    texts: Sequence[Sequence[str]],
    count: int,
    seed: Sequence[int],
) -> list[Row]:
    """``count`` rows of an invented user each; the first candidate fits, the others are random.

    Args:
        backbone: whose tokens.
        nouns: the dataset's words.
        texts: telling words of each of the catalogue's texts; may be empty.
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    return [_row(backbone, nouns, texts, rng) for _ in range(count)]


def _row(
    backbone: Backbone,
    nouns: prompts.Nouns,
    texts: Sequence[Sequence[str]],
    rng: np.random.Generator,
) -> Row:
    taste = _taste(texts, rng)
    history = [_item(texts, taste, rng) for _ in range(_HISTORY)]
    candidates = [_item(texts, taste, rng)]
    candidates += [_item(texts, None, rng) for _ in range(_CANDIDATES - 1)]
    # What similar users chose fits now and then, and is to be believed no more than that.
    nearby = [
        _item(texts, taste if rng.random() < _NEARBY_FITS else None, rng) for _ in range(_NEARBY)
    ]
    known = prompts.known_of_user(nouns, history, nearby)
    after = Tokens(backbone.after)
    opening, *others = known
    return Row(
        Tokens(backbone.opening(str(opening))) + backbone.tokens(others),
        tuple(backbone.tokens(prompts.candidate(None, "", gist)) + after for gist in candidates),
    )


def _taste(texts: Sequence[Sequence[str]], rng: np.random.Generator) -> _Taste:
    parts = tuple(
        tuple(str(word) for word in rng.choice(part, _LIKED_OF_A_PART, replace=False))
        for part in primer_parts()
    )
    words: set[str] = set()
    for _ in range(_LIKED_TEXTS if texts else 0):
        told = texts[int(rng.integers(len(texts)))]
        words.update(told[:2])  # the most telling
    return _Taste(parts, frozenset(words))


def _item(texts: Sequence[Sequence[str]], taste: _Taste | None, rng: np.random.Generator) -> str:
    """The gist of an item that follows ``taste``, or of any."""
    words = []
    for place, part in enumerate(primer_parts()):
        faithful = taste is not None and rng.random() < _FAITHFUL
        liked = taste.parts[place] if taste is not None and faithful else part
        words.append(liked[rng.integers(len(liked))])
    if texts:
        seen = [texts[row] for row in rng.integers(len(texts), size=_TRIES).tolist()]
        fits = [0 if taste is None else len(taste.words.intersection(told)) for told in seen]
        words += seen[int(np.argmax(fits))]
    return " ".join(dict.fromkeys(words))
