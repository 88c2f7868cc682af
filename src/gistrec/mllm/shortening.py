"""Texts cut at their end to fit a budget of tokens; images are never cut."""

import unicodedata
from collections.abc import Callable

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Tokens

Asking = Callable[[str, str], list[prompts.Segment]]  # what is asked about a title and a text

_JOINER = "\u200d"  # makes one emoji of two


def shortened(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of ``text`` that fits, cut between words; unchanged if all of it does.

    Where not even the first word fits, as in a script without spaces, it is cut within, but never
    between a letter and its accents.
    """
    if fits(text):
        return text
    words = text.split()
    kept = _most(len(words), lambda count: fits(" ".join(words[:count])))
    if kept or not words:
        return " ".join(words[:kept])
    whole = _characters(words[0])
    return "".join(whole[: _most(len(whole), lambda count: fits("".join(whole[:count])))])


def text_segments(
    count: Callable[[str], int],
    title: str,
    text: str,
    most: int,
    ask: Asking = prompts.text_keywords,
) -> list[prompts.Segment]:
    """The question about an item's text, ``text`` shortened to make it ``most`` tokens at the most.

    The title alone may take as many; it is only shortened where it is longer. The chat's frame is
    not counted.

    Args:
        count: how many tokens a piece of text takes.
        title: of the item; may be empty.
        text: of the item; may be empty.
        most: tokens.
        ask: what is asked about the two.
    """
    title = shortened(title, lambda part: count(part) <= most)

    def fits(part: str) -> bool:
        asked = ask(title, part)
        return sum(count(segment) for segment in asked if isinstance(segment, str)) <= most

    return ask(title, shortened(text, fits))


def text_question(
    backbone: Backbone, title: str, text: str, most: int, ask: Asking = prompts.text_keywords
) -> Tokens:
    """``text_segments`` in the backbone's own tokens."""
    return backbone.question(
        text_segments(lambda part: len(backbone.text_ids(part)), title, text, most, ask)
    )


def _characters(word: str) -> list[str]:
    """A word's characters as people see them: marks stay with what they are set upon."""
    found: list[str] = []
    for part in word:
        mark = part == _JOINER or unicodedata.category(part).startswith("M")
        if found and (mark or found[-1].endswith(_JOINER)):
            found[-1] += part
        else:
            found.append(part)
    return found


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``count`` that fits, where 0 is taken to fit."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
