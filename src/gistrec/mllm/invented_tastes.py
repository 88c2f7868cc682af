"""Tastes of invented users: lessons in bringing a preference up to date after some more items.

They teach a new backbone what a pretrained one knows how to do when it is asked. The rule that
stands for the right answer needs to know no more than a prompt tells: the preference before, in
words that are firm and words that are faint, and the items that came since. A word that comes again
becomes firm, one that does not fades.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.invented_items import Goods, InventedItem, Liking
from gistrec.mllm.lesson import Lesson
from gistrec.mllm.sentences import joined, taste_told

_STREAM = 8106
# What words of the preference before weigh, beside 1 for a word of the latest item: once more makes
# a firm word of either, a firm one without that is faint, and a faint one gives way to new words.
# Told by the rule itself, of the bazaar's true attributes, F1 is .685, a count over the whole
# history's .700.
_FIRM, _FAINT, _OLDER = 1.25, 0.8, 0.9
_IS_FIRM = 1.3
_FRAME = 2  # words of a taste that are none of the preference
_LEAST, _USUAL, _MOST = 6, 20, 24  # words that are asked for
_OFTEN = 0.7  # how often the usual number is
_SENTENCE = 24  # words of an item's sentence
_NONE_BEFORE = 0.3  # how often there is no preference yet
_OF_ANOTHER = 0.15  # how often the one before is another's, so that it is read
_EARLIER = 12  # items that it may rest on
_SIZES = ((0.4, 1, 1), (0.35, 2, 3), (0.2, 4, 8), (0.05, 9, 16))  # of a block: how often, from, to


class Preference(NamedTuple):
    """Words of a preference, each in alphabetical order: which comes next is sooner learned so.

    Attributes:
        firm: those that came again and again.
        faint: the others.
    """

    firm: tuple[str, ...] = ()
    faint: tuple[str, ...] = ()

    def told(self, most: int) -> str:
        """In ``most`` words."""
        return taste_told(self.firm, self.faint, most)


@dataclass(frozen=True)
class InventedStep:
    """What a lesson is about.

    Attributes:
        before: the preference so far.
        items: what came since, oldest first.
        most: words that the answer may take.
    """

    before: Preference
    items: tuple[InventedItem, ...]
    most: int

    def after(self) -> Preference:
        """The preference now, as much of it as is told."""
        return preference_after(self.before, [item.words for item in self.items], self.most)


def preference_after(before: Preference, items: Sequence[Sequence[str]], most: int) -> Preference:
    """The preference after some more items.

    Args:
        before: the one so far.
        items: words of each item, oldest first.
        most: words that telling it may take.
    """
    weights = dict.fromkeys(before.firm, _FIRM) | dict.fromkeys(before.faint, _FAINT)
    for age, words in enumerate(reversed(items)):
        for word in dict.fromkeys(words):
            weights[word] = weights.get(word, 0.0) + _OLDER**age
    kept = sorted(weights, key=lambda word: (-weights[word], word))[: max(0, most - _FRAME)]
    firm = sorted(word for word in kept if weights[word] >= _IS_FIRM)
    return Preference(tuple(firm), tuple(sorted(set(kept).difference(firm))))


def taste_lessons(
    backbone: Backbone,
    nouns: prompts.Nouns,
    goods: Goods,
    in_sentences: bool,
    count: int,
    seed: Sequence[int],
) -> list[Lesson]:
    """``count`` lessons: a preference, or none, and some items in; the preference after them out.

    Args:
        backbone: whose tokens.
        nouns: the dataset's words.
        goods: what items are made of.
        in_sentences: whether every other lesson tells its items in sentences, not in keywords.
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    return [
        _lesson(backbone, nouns, _step(goods, rng), in_sentences and number % 2 == 1)
        for number in range(count)
    ]


def invented_taste(items: Sequence[InventedItem], most: int) -> str:
    """The preference that items lead to, told three at a time."""
    return _of(items, most).told(most)


def asked_words(rng: np.random.Generator) -> int:
    """How many words a preference may take."""
    return _USUAL if rng.random() < _OFTEN else int(rng.integers(_LEAST, _MOST + 1))


def _lesson(
    backbone: Backbone, nouns: prompts.Nouns, step: InventedStep, in_sentences: bool
) -> Lesson:
    lines = [_line(item, in_sentences) for item in step.items]
    asked = prompts.taste_update(nouns, step.before.told(step.most), lines, step.most)
    answer = step.after().told(step.most)
    return Lesson(backbone.question(asked), backbone.answer(answer))


def _line(item: InventedItem, in_sentences: bool) -> str:
    return joined(item.seen[::-1], item.read, _SENTENCE) if in_sentences else " ".join(item.words)


def _step(goods: Goods, rng: np.random.Generator) -> InventedStep:
    liking, most = goods.liking(rng), asked_words(rng)
    chances = [often for often, _, _ in _SIZES]
    _, least, largest = _SIZES[int(rng.choice(len(_SIZES), p=chances))]
    size = int(rng.integers(least, largest + 1))
    before = Preference()
    if rng.random() >= _NONE_BEFORE:
        of_another = rng.random() < _OF_ANOTHER
        earlier = int(rng.integers(1, _EARLIER + 1))
        theirs = goods.liking(rng) if of_another else liking
        before = _of(_items(goods, theirs, earlier, rng), most)
    return InventedStep(before, tuple(_items(goods, liking, size, rng)), most)


def _items(
    goods: Goods, liking: Liking, count: int, rng: np.random.Generator
) -> list[InventedItem]:
    return [goods.item(liking, rng) for _ in range(count)]


def _of(items: Sequence[InventedItem], most: int) -> Preference:
    found = Preference()
    for start in range(0, len(items), 3):
        found = InventedStep(found, tuple(items[start : start + 3]), most).after()
    return found
