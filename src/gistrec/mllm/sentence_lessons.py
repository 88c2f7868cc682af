"""Lessons in sentences: drawings described, texts summarised, both joined in one.

How many words are asked for is drawn for each lesson, so that asking for fewer works.
"""

from collections.abc import Sequence

import numpy as np

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Grid
from gistrec.mllm.lesson import Lesson
from gistrec.mllm.primer import primer_parts
from gistrec.mllm.sentences import described, joined, summarised
from gistrec.mllm.shortening import text_question

_SHORT = 0.2  # how often fewer words are asked for than a sentence would take
_MOST = 40  # words that are asked for
_USUAL = (12, 24)  # numbers that are asked for most: one token each, where others may be digits
_FRAME = 1  # words of a sentence besides those that tell: an article, or "about"


def asked_words(telling: int, rng: np.random.Generator) -> int:
    """How many words a sentence may take that has ``telling`` words to say."""
    whole = telling + _FRAME
    if rng.random() < _SHORT:
        return int(rng.integers(1, whole))
    enough = [most for most in _USUAL if most >= whole]
    if enough and rng.random() < 0.5:
        return int(rng.choice(enough))
    return int(rng.integers(whole, max(_MOST, whole) + 1))


def description_lesson(
    backbone: Backbone, words: Sequence[str], grid: Grid, rng: np.random.Generator
) -> Lesson:
    """A drawing in, its description out.

    Args:
        backbone: whose tokens.
        words: kind, colour and pattern of the drawing.
        grid: of the drawing, which is handed over beside the lesson.
        rng: of the draws.
    """
    most = asked_words(len(words), rng)
    question = backbone.question(prompts.image_sentence(0, most), lambda _: grid)
    return Lesson(question, backbone.answer(described(words[::-1], most)))


def summary_lesson(
    backbone: Backbone,
    text: tuple[str, str],
    words: Sequence[str],
    most_tokens: int,
    rng: np.random.Generator,
) -> Lesson:
    """A title and text in, shortened at their end to ``most_tokens``; their telling words out."""
    most = asked_words(len(words), rng)

    def ask(title: str, words: str) -> list[prompts.Segment]:
        return prompts.text_sentence(title, words, most)

    question = text_question(backbone, *text, most_tokens, ask)
    return Lesson(question, backbone.answer(summarised(words, most)))


def joined_lesson(
    backbone: Backbone, texts: Sequence[Sequence[str]], rng: np.random.Generator
) -> Lesson:
    """A description and a summary in, of nothing that there is, and both in one sentence out.

    Args:
        backbone: whose tokens.
        texts: telling words of each of the catalogue's texts, one at least.
        rng: of the draws.
    """
    kind, colour, pattern = (str(rng.choice(part)) for part in primer_parts())
    seen = (pattern, colour, kind)[int(rng.integers(3)) if rng.random() < _SHORT else 0 :]
    telling = texts[int(rng.integers(len(texts)))]
    read = telling[: int(rng.integers(1, len(telling) + 1))]
    most = asked_words(len(seen) + len(read) + _FRAME, rng)
    shown = described(seen, len(seen) + _FRAME), summarised(read, len(read) + _FRAME)
    question = backbone.question(prompts.joined_sentence(*shown, most))
    return Lesson(question, backbone.answer(joined(seen, read, most)))
