"""Tastes of invented users: lessons in bringing a preference up to date after some more items.

They teach a new backbone what a pretrained one knows how to do when it is asked. The rule that
stands for the right answer is a decayed count of words that needs to know no more than a prompt
tells: the preference before, strongest word first, and the items that came since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.invented_items import InventedItem, Liking, draw_item, draw_liking
from gistrec.mllm.lesson import Lesson
from gistrec.mllm.sentences import joined, taste_told

_STREAM = 8106
# What the first word of a preference weighs, beside 1 for a word of the latest item, and the share
# of it that each next word weighs. Told by the rule itself, of the bazaar's true attributes, F1 is
# within a hundredth of that of a count over the whole history.
_FIRST, _NEXT = 3.0, 0.9
_OLDER = 0.9  # weight of an item, by the one after it
_LEAST, _MOST = 6, 16  # words that are asked for
_SENTENCE = 24  # words of an item's sentence
_NONE_BEFORE = 0.4  # how often there is no preference yet
_OF_ANOTHER = 0.15  # how often the one before is another's, so that it is read
_EARLIER = 12  # items that it may rest on
_SIZES = ((0.4, 1, 1), (0.35, 2, 3), (0.2, 4, 8), (0.05, 9, 16))  # of a block: how often, from, to


@dataclass(frozen=True)
class InventedStep:
    """What a lesson is about.

    Attributes:
        before: words of the preference so far, the strongest first.
        items: what came since, oldest first.
        most: words that the answer may take.
    """

    before: tuple[str, ...]
    items: tuple[InventedItem, ...]
    most: int

    def after(self) -> tuple[str, ...]:
        """Words of the preference now, as many as are told."""
        words = words_after(self.before, [item.words for item in self.items])
        return tuple(words[: self.most - 1])


def words_after(before: Sequence[str], items: Sequence[Sequence[str]]) -> list[str]:
    """The words of a preference after some more items, the strongest first.

    Args:
        before: its words so far, the strongest first.
        items: words of each item, oldest first; of equal weight is first what stands first.
    """
    weights = {word: _FIRST * _NEXT**place for place, word in enumerate(before)}
    for age, words in enumerate(reversed(items)):
        for word in dict.fromkeys(words):
            weights[word] = weights.get(word, 0.0) + _OLDER**age
    return sorted(weights, key=lambda word: -weights[word])


def taste_lessons(
    backbone: Backbone,
    nouns: prompts.Nouns,
    texts: Sequence[Sequence[str]],
    in_sentences: bool,
    count: int,
    seed: Sequence[int],
) -> list[Lesson]:
    """``count`` lessons: a preference, or none, and some items in; the preference after them out.

    Args:
        backbone: whose tokens.
        nouns: the dataset's words.
        texts: telling words of each of the catalogue's texts; may be empty.
        in_sentences: whether every other lesson tells its items in sentences, not in keywords.
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    return [
        _lesson(backbone, nouns, _step(texts, rng), in_sentences and number % 2 == 1)
        for number in range(count)
    ]


def invented_taste(items: Sequence[InventedItem], most: int) -> str:
    """The preference in words that items lead to, told three at a time."""
    return taste_told(_words_of(items, most), most)


def asked_words(rng: np.random.Generator) -> int:
    """How many words a preference may take."""
    return int(rng.integers(_LEAST, _MOST + 1))


def _lesson(
    backbone: Backbone, nouns: prompts.Nouns, step: InventedStep, in_sentences: bool
) -> Lesson:
    lines = [_line(item, in_sentences) for item in step.items]
    before = taste_told(step.before, step.most)
    asked = prompts.taste_update(nouns, before, lines, step.most)
    answer = taste_told(step.after(), step.most)
    return Lesson(backbone.question(asked), backbone.answer(answer))


def _line(item: InventedItem, in_sentences: bool) -> str:
    return joined(item.seen[::-1], item.read, _SENTENCE) if in_sentences else " ".join(item.words)


def _step(texts: Sequence[Sequence[str]], rng: np.random.Generator) -> InventedStep:
    liking, most = draw_liking(texts, rng), asked_words(rng)
    chances = [often for often, _, _ in _SIZES]
    _, least, largest = _SIZES[int(rng.choice(len(_SIZES), p=chances))]
    size = int(rng.integers(least, largest + 1))
    before: tuple[str, ...] = ()
    if rng.random() >= _NONE_BEFORE:
        of_another = rng.random() < _OF_ANOTHER
        earlier = int(rng.integers(1, _EARLIER + 1))
        theirs = draw_liking(texts, rng) if of_another else liking
        before = _words_of(_items(texts, theirs, earlier, rng), most)
    return InventedStep(before, tuple(_items(texts, liking, size, rng)), most)


def _items(
    texts: Sequence[Sequence[str]], liking: Liking, count: int, rng: np.random.Generator
) -> list[InventedItem]:
    return [draw_item(texts, liking, rng) for _ in range(count)]


def _words_of(items: Sequence[InventedItem], most: int) -> tuple[str, ...]:
    words: tuple[str, ...] = ()
    for start in range(0, len(items), 3):
        words = InventedStep(words, tuple(items[start : start + 3]), most).after()
    return words
