"""The way back from keywords to the text that they are of."""

from collections.abc import Sequence

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.lesson import Lesson
from gistrec.mllm.shortening import shortened


def retold(title: str, text: str) -> str:
    """What is to be told again of an item; empty where it has no words."""
    return "\n".join(part for part in (title, text) if part)


def retell_lesson(
    backbone: Backbone, keywords: Sequence[str], title: str, text: str, most: int
) -> Lesson:
    """Keywords in, title and text out, these shortened at their end to ``most`` tokens."""
    told = shortened(retold(title, text), lambda part: len(backbone.text_ids(part)) <= most)
    return Lesson(backbone.question(prompts.retell(keywords)), backbone.answer(told))
