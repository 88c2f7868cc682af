"""Invented users: short lists of invented items, and which of a few more would fit.

They teach a new backbone to compare what is asked about with what was told, as any pretrained one
can. The items are made of the primer's words and the telling words of the catalogue's texts; no
user of any log is behind them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Grid
from gistrec.mllm.invented_items import Goods, InventedItem, Liking
from gistrec.mllm.invented_tastes import asked_words, invented_taste
from gistrec.mllm.packing import Row, Tokens

_STREAM, _TASTE_STREAM = 8103, 8107
_HISTORY, _NEARBY, _CANDIDATES = 6, 3, 5
_LONGEST = 12  # items that a taste rests on
_ALONE = 0.5  # how often a taste stands for the whole history, and then for similar users too
_NEARBY_FITS = 0.3


@dataclass(frozen=True, eq=False)
class Pictures:
    """Drawings that invented items are shown by.

    Attributes:
        captions: kind, colour and pattern of each.
        grid: rows and columns of a drawing's tokens, by its number.
        share: how often candidates are shown by one, rather than told.
    """

    captions: Sequence[tuple[str, ...]]
    grid: Callable[[int], Grid]
    share: float
    _by_caption: Mapping[tuple[str, ...], list[int]]

    @classmethod
    def of(
        cls, captions: Sequence[tuple[str, ...]], grid: Callable[[int], Grid], share: float
    ) -> "Pictures":
        """Sorted by what they show."""
        by_caption: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, caption in enumerate(captions):
            by_caption[caption].append(number)
        return cls(captions, grid, share, by_caption)

    def like(self, seen: tuple[str, ...], rng: np.random.Generator) -> int:
        """The number of a drawing that shows just that; of any, where there is none."""
        alike = self._by_caption.get(seen)
        return alike[rng.integers(len(alike))] if alike else int(rng.integers(len(self.captions)))


def invented_rows(
    backbone: Backbone, nouns: prompts.Nouns, goods: Goods, count: int, seed: Sequence[int]
) -> list[Row]:
    """``count`` rows of an invented user each; the first candidate fits, the others are random.

    Args:
        backbone: whose tokens.
        nouns: the dataset's words.
        goods: what items are made of.
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    return [_row(backbone, nouns, goods, rng) for _ in range(count)]


def told_rows(
    backbone: Backbone,
    nouns: prompts.Nouns,
    goods: Goods,
    pictures: Pictures,
    count: int,
    seed: Sequence[int],
) -> list[Row]:
    """As ``invented_rows``, of users whose prompt tells their taste, with a history or without.

    Some show their candidates by a drawing and the words of a text, as prompts show a title and an
    image: to hold these against words is another thing to learn than words against words.
    """
    rng = np.random.default_rng([*seed, _TASTE_STREAM])
    return [_told_row(backbone, nouns, goods, pictures, rng) for _ in range(count)]


def _row(backbone: Backbone, nouns: prompts.Nouns, goods: Goods, rng: np.random.Generator) -> Row:
    liking = goods.liking(rng)
    history = [_gist(goods, liking, rng) for _ in range(_HISTORY)]
    candidates = _candidates(goods, liking, rng)
    known = prompts.known_of_user(nouns, history, _nearby(goods, liking, rng))
    return _asked(backbone, known, candidates)


def _told_row(
    backbone: Backbone,
    nouns: prompts.Nouns,
    goods: Goods,
    pictures: Pictures,
    rng: np.random.Generator,
) -> Row:
    liking = goods.liking(rng)
    items = [goods.item(liking, rng) for _ in range(int(rng.integers(3, _LONGEST + 1)))]
    taste = invented_taste(items, asked_words(rng))
    shown = [] if rng.random() < _ALONE else [" ".join(item.words) for item in items[-_HISTORY:]]
    nearby = [] if rng.random() < _ALONE else _nearby(goods, liking, rng)
    known = prompts.known_of_user(nouns, shown, nearby, taste)
    if not pictures.captions or rng.random() >= pictures.share:
        return _asked(backbone, known, _candidates(goods, liking, rng))
    items = [goods.item(liking if place == 0 else None, rng) for place in range(_CANDIDATES)]
    return _asked(backbone, known, [_shown(item, pictures, rng) for item in items], pictures.grid)


def _asked(
    backbone: Backbone,
    known: Sequence[prompts.Segment],
    candidates: Sequence[list[prompts.Segment]],
    grid: Callable[[int], Grid] | None = None,
) -> Row:
    after = Tokens(backbone.after)
    opening, *others = known
    return Row(
        Tokens(backbone.opening(str(opening))) + backbone.tokens(others),
        tuple(backbone.tokens(shown, grid) + after for shown in candidates),
    )


def _candidates(
    goods: Goods, liking: Liking, rng: np.random.Generator
) -> list[list[prompts.Segment]]:
    gists = [_gist(goods, liking if place == 0 else None, rng) for place in range(_CANDIDATES)]
    return [prompts.candidate(None, "", gist) for gist in gists]


def _shown(
    item: InventedItem, pictures: Pictures, rng: np.random.Generator
) -> list[prompts.Segment]:
    """An item by a drawing and the words of its text."""
    return prompts.candidate(pictures.like(item.seen, rng), " ".join(item.read), "")


def _nearby(goods: Goods, liking: Liking, rng: np.random.Generator) -> list[str]:
    """What similar users chose; it fits now and then, and is to be believed no more than that."""
    return [
        _gist(goods, liking if rng.random() < _NEARBY_FITS else None, rng) for _ in range(_NEARBY)
    ]


def _gist(goods: Goods, liking: Liking | None, rng: np.random.Generator) -> str:
    return " ".join(goods.item(liking, rng).words)
