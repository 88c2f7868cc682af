"""The warm start: what a new embedded backbone learns before it meets a single user.

Two kinds of lesson, mixed in every round: drawings of the primer and the words for them, and the
catalogue's own texts and the telling words in them. No interaction is seen here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gistrec.config.backbone import EmbeddedConfig
from gistrec.files import fingerprint_of
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import make_model, make_processor, train_tokenizer
from gistrec.mllm.keywords import telling_words
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.primer import draw_primer, primer_words
from gistrec.mllm.shortening import text_question
from gistrec.mllm.training import Course, Lessons, Trained, train
from gistrec.progress import say

_STREAM = 8102
# How often prompt and primer words stand in the tokenizer's text, so that they become tokens: at
# least so often, and once for so many items, or a large catalogue's words would crowd them out.
_REPEATS, _ITEMS_A_REPEAT = 50, 5
_MOST_TEXT = 160  # tokens of a question about a text


@dataclass(frozen=True)
class _Batch:
    lessons: list[Lesson]
    drawings: tuple[int, ...]  # rows of the primer's pixels; none for texts


def warm_start(
    texts: Sequence[tuple[str, str]],
    nouns: prompts.Nouns,
    config: EmbeddedConfig,
    checkpoint: Path | None = None,
) -> tuple[Backbone, Trained]:
    """Make the embedded backbone for a catalogue.

    Args:
        texts: (title, text) of every item; either may be empty.
        nouns: the dataset's words, so that the tokenizer knows the prompts.
        config: sizes and rounds.
        checkpoint: where training is saved and resumed.
    """
    written = [(title, text) for title, text in texts if title or text]
    tokenizer = train_tokenizer(_tokenizer_texts(written, nouns), config.vocabulary)
    backbone = make_backbone(make_model(tokenizer, config), make_processor(tokenizer, config))
    drawings = draw_primer(config.primer_drawings, config.image_side, config.seed)
    pixels = backbone.pixels([drawing.image for drawing in drawings]) if drawings else None
    seeing = [_image_lesson(backbone, drawing.words) for drawing in drawings]
    reading = _text_lessons(backbone, written, config.keywords)
    say(f"warm start: {len(seeing)} drawings, {len(reading)} texts, {len(tokenizer)} tokens")

    def batches(epoch: int) -> list[_Batch]:
        return _batches(seeing, reading, config, epoch)

    def loss(batch: _Batch) -> torch.Tensor:
        features = None
        if pixels is not None and batch.drawings:
            features = backbone.features(pixels[list(batch.drawings)])
        return lesson_loss(backbone, batch.lessons, features)

    course = Course(config.epochs, config.learning_rate, autocast=True)
    key = fingerprint_of([config.model_dump(), vars(nouns), [list(pair) for pair in texts]])
    trained = train(backbone.model, Lessons("warm start", batches, loss), course, checkpoint, key)
    return backbone, trained


def _tokenizer_texts(written: Sequence[tuple[str, str]], nouns: prompts.Nouns) -> list[str]:
    asked = prompts.known_of_user(nouns, [], [""])
    fixed = [segment for segment in asked if isinstance(segment, str)]
    fixed += [prompts.IMAGE_KEYWORDS_QUESTION, prompts.TEXT_KEYWORDS_QUESTION]
    fixed += [f"{prompts.YES} {prompts.NO}", *(f"{word}, " for word in primer_words())]
    repeats = max(_REPEATS, len(written) // _ITEMS_A_REPEAT)
    return fixed * repeats + [f"{title}\n{text}" for title, text in written]


def _image_lesson(backbone: Backbone, words: Sequence[str]) -> Lesson:
    # Any code will do: the pixels are handed over beside the lesson.
    return Lesson(
        backbone.question(prompts.image_keywords(0)), backbone.answer(prompts.listed(words))
    )


def _text_lessons(
    backbone: Backbone, written: Sequence[tuple[str, str]], count: int
) -> list[Lesson]:
    keywords = telling_words([f"{title} {text}" for title, text in written], count)
    return [
        Lesson(
            text_question(backbone, title, text, _MOST_TEXT),
            backbone.answer(prompts.listed(words)),
        )
        for (title, text), words in zip(written, keywords, strict=True)
        if words
    ]


def _batches(
    seeing: list[Lesson], reading: list[Lesson], config: EmbeddedConfig, epoch: int
) -> list[_Batch]:
    """One round: drawings and texts in batches of their own, in random order."""
    rng = np.random.default_rng([config.seed, _STREAM, epoch])
    size = config.batch_size
    order = rng.permutation(len(seeing))
    rows = [tuple(order[at : at + size].tolist()) for at in range(0, len(order), size)]
    batches = [_Batch([seeing[row] for row in part], part) for part in rows]
    order = rng.permutation(len(reading))[: config.max_texts]
    lengths = [len(reading[row].question.ids) for row in order]
    order = order[np.argsort(lengths, kind="stable")]  # like lengths together: less padding
    starts = range(0, len(order), size)
    batches += [_Batch([reading[row] for row in order[at : at + size]], ()) for at in starts]
    return [batches[place] for place in rng.permutation(len(batches))]
