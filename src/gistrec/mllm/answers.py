"""Keyword lists and sentences out of answers in words, and whether an answer is one."""

import re

from gistrec.mllm import word_cuts
from gistrec.mllm.prompts import parsed

MOST_WORDS = 5  # of one keyword: more is a sentence
MOST_CHARACTERS = 40  # of one keyword: the same, for scripts without spaces
BROKEN = "\ufffd"  # stands where an answer's bytes are no character
# A word that stands more often in a keyword, or on end in a sentence, shows a model that is stuck.
_SAID_TWICE = 2

_SEPARATORS = re.compile(r"[,;\n\u3001\uff0c\uff1b]")  # and those of Chinese and Japanese
_LABEL = re.compile(r"^[^,;\n:]*\bkeywords?\b[^,;\n:]*:", re.IGNORECASE)
_SENTENCE_LABEL = re.compile(
    r"^\W*(?:here (?:is|are)\b[^:\n]*"
    r"|[^:\n]{0,30}\b(?:sentence|summary|description|preferences?(?: now| so far)?))\W*:\W*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^(?:\s*(?:[-*\u2022]|\d{1,2}[.)])\s+)+")
_EMPTY = re.compile(r"[,;]\s*(?=[,;.]|$)")  # an entry of a list that says nothing
_MARKS = " .:*_`\"'()[]{}"
_QUOTES = " *_`\"'\u201c\u201d"
_REFUSAL = re.compile(
    r"^\W*(?:i['\u2019]?m (?:sorry|unable|not able)|i am (?:sorry|unable|not able)|sorry\b"
    r"|i (?:can ?not|can['\u2019]?t|do not|don['\u2019]?t|could not|couldn['\u2019]?t)\b"
    r"|as an? (?:ai|language model)\b|unfortunately\b|unable to\b"
    r"|(?:there (?:is|are) )?no (?:image|text|keywords?)\b|n/?a\W*$|none\W*$|unknown\W*$)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"^\W*(?:(?:the|this) (?:image|picture|photo|text|title|item|product)"
    r" (?:is|has|shows?|depicts?|features?|contains?|describes?|appears?|mentions?)"
    r"|(?:it|this|there|here)(?:['\u2019]s| is| are)\b)",
    re.IGNORECASE,
)


def keywords(answer: str, most: int, cut: bool = False) -> tuple[str, ...] | None:
    """The keywords of an answer, ``most`` at the most; None where it is not a list of keywords.

    It is one if it is neither a refusal nor a sentence, holds a keyword, and none that is longer
    than MOST_WORDS words or MOST_CHARACTERS characters or repeats a word over and over. Keywords
    that come again are dropped, and so are those with a broken character, and labels, bullets and
    marks around them.

    Args:
        answer: what was answered.
        most: keywords to keep; what comes after them is not looked at.
        cut: the answer ran into its limit, so that its last keyword may be half of one.
    """
    listed = _LABEL.sub("", answer.strip(), count=1)
    if _REFUSAL.match(answer) or _SENTENCE.match(listed):
        return None
    pieces = _SEPARATORS.split(listed)
    if cut:
        pieces.pop()
    whole = [_bare(piece) for piece in pieces if BROKEN not in piece]
    found = parsed(",".join(whole), most)
    return found if found and all(map(_is_keyword, found)) else None


def sentence(answer: str, most: int, cut_off: bool = False) -> str | None:
    """An answer in one line of at most ``most`` words, ended; None where it is no sentence.

    It is one if it is no refusal, holds a word, and repeats none on end. Labels, bullets and quotes
    around it are dropped, and so are words with a broken character; a longer one ends after the
    last word that is allowed.

    Args:
        answer: what was answered.
        most: words to keep, 1 or more.
        cut_off: the answer ran into its limit, so that its last word may be half of one.
    """
    if _REFUSAL.match(answer):
        return None
    line = _SENTENCE_LABEL.sub("", _BULLET.sub("", answer.strip()), count=1)
    if _REFUSAL.match(line):
        return None
    line = _EMPTY.sub("", line)
    words = word_cuts.words_in(line)
    if cut_off:
        words = words[:-1] or words  # in a script without spaces it is all of it
    words = [word for word in words if BROKEN not in word]
    if _is_stuck(words):
        return None
    return word_cuts.cut(" ".join(words).strip(_QUOTES), most) or None


def _is_stuck(words: list[str]) -> bool:
    bare = [re.sub(r"\W", "", word).lower() for word in words]
    return any(
        len(set(bare[at : at + _SAID_TWICE + 1])) == 1 for at in range(len(bare) - _SAID_TWICE)
    )


def _bare(piece: str) -> str:
    """Without a bullet in front and marks around."""
    return _BULLET.sub("", piece).strip(_MARKS)


def _is_keyword(keyword: str) -> bool:
    words = keyword.split()
    return (
        any(character.isalnum() for character in keyword)
        and len(words) <= MOST_WORDS
        and len(keyword) <= MOST_CHARACTERS
        and max(words.count(word) for word in words) <= _SAID_TWICE
    )
