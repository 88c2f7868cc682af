"""What tuning asks: the very questions of the gist stage, about items that have words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gistrec.config.gist import GistConfig
from gistrec.errors import ConfigError
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Tokens
from gistrec.mllm.shortening import text_question
from gistrec.mllm.vision.features import ImageFeatures

About = Literal["image", "text"]
ABOUT: tuple[About, ...] = ("image", "text")
_STREAM = 8201
_HELD_OUT = 5  # at most one item in so many is held out


@dataclass(frozen=True)
class Asked:
    """One question about one item: ``code`` is the item's, ``tokens`` the whole prompt."""

    about: About
    code: int
    tokens: Tokens


@dataclass(frozen=True)
class Parts:
    """The questions that are trained on, and those of the items held out."""

    training: tuple[Asked, ...]
    validation: tuple[Asked, ...]


def questions_for_tuning(
    backbone: Backbone,
    titles: Sequence[str],
    texts: Sequence[str],
    features: ImageFeatures,
    config: GistConfig,
) -> Parts:
    """Draw the items, hold some out, and ask about each.

    Raises:
        ConfigError: fewer than two items have a title or a text, or nothing is to be asked.
    """
    tuning = config.tuning
    told = items_with_words(titles, texts)
    order = np.random.default_rng([tuning.seed, _STREAM]).permutation(told).tolist()
    held = min(tuning.validation_items, max(1, len(order) // _HELD_OUT))
    trained = order[held:][: tuning.max_items]

    def asked(codes: Sequence[int]) -> tuple[Asked, ...]:
        return tuple(one for code in codes for one in _of_item(code))

    def _of_item(code: int) -> Iterator[Asked]:
        if config.image_keywords and code in features:
            question = backbone.question(prompts.image_keywords(code), features.grid)
            yield Asked("image", code, question)
        if config.text_keywords:
            question = text_question(backbone, titles[code], texts[code], config.max_text_tokens)
            yield Asked("text", code, question)

    parts = Parts(asked(trained), asked(order[:held]))
    if not (parts.training and parts.validation):
        raise ConfigError(
            "there is nothing to tune gists on: set gist.image_keywords or gist.text_keywords "
            "above 0, or gist.tuning.kind=none"
        )
    return parts


def items_with_words(titles: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Codes of the items that gists can be tuned on.

    Raises:
        ConfigError: there are fewer than two.
    """
    told = [code for code, words in enumerate(zip(titles, texts, strict=True)) if any(words)]
    if len(told) < 2:
        raise ConfigError(
            "gists are tuned on items that have a title or a text, of which there are "
            f"{len(told)}: set gist.tuning.kind=none"
        )
    return told


def order_of_questions(count: int, steps: int, at_once: int, seed: int) -> list[int]:
    """Which questions are asked: ``at_once`` for each step, all of them before one comes again."""
    rng = np.random.default_rng([seed, _STREAM, 1])
    rounds = -(-steps * at_once // count)
    rows = np.concatenate([rng.permutation(count) for _ in range(rounds)])
    return [int(row) for row in rows[: steps * at_once]]
