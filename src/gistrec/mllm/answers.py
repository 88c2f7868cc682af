"""Keyword lists out of answers in words, and whether an answer is one."""

import re

from gistrec.mllm.prompts import parsed

MOST_WORDS = 5  # of one keyword: more is a sentence
MOST_CHARACTERS = 40  # of one keyword: the same, for scripts without spaces
BROKEN = "\ufffd"  # stands where an answer's bytes are no character
_SAID_TWICE = 2  # a word that stands more often in one keyword shows a model that is stuck

_SEPARATORS = re.compile(r"[,;\n\u3001\uff0c\uff1b]")  # and those of Chinese and Japanese
_LABEL = re.compile(r"^[^,;\n:]*\bkeywords?\b[^,;\n:]*:", re.IGNORECASE)
_BULLET = re.compile(r"^(?:\s*(?:[-*\u2022]|\d{1,2}[.)])\s+)+")
_MARKS = " .:*_`\"'()[]{}"
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
