"""The words of a line that say something, of keyword lists and of sentences alike."""

import re
from functools import cache

# Between words: spaces, commas that stand in no number, Chinese and Japanese commas and stops.
_BETWEEN = re.compile(r"[\s\u3001\u3002\uff0c\uff1b]+|(?<!\d)[,;]|[,;](?!\d)")
# Around words, never within.
_MARKS = ".,;:!?()[]{}<>\"'`*_\u2018\u2019\u201c\u201d\u2026\u00ab\u00bb"
_OF_TELLING = frozenset({"perhaps", "prefer", "prefers"})
# The list of stop words also holds what goods are called and told by.
_TELLING = frozenset({
    "back", "bill", "bottom", "cry", "empty", "fill", "fire", "front", "full", "interest", "mill",
    "mine", "side", "system", "thick", "thin", "top",
})  # fmt: skip


def telling_words(line: str) -> dict[str, str]:
    """Its words as they are compared, in order, each with how the line spells it first.

    Case, marks around words and English stop words are of no account; words of other languages
    all count.
    """
    found: dict[str, str] = {}
    for piece in _BETWEEN.split(line):
        word = piece.strip(_MARKS)
        if word and word.casefold() not in _stop_words():
            found.setdefault(word.casefold(), word)
    return found


def tells(line: str) -> bool:
    """Whether a line says anything: a word with a letter, and no stop word."""
    return any(any(map(str.isalpha, word)) for word in telling_words(line))


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) - _TELLING | _OF_TELLING
