"""What shows that a reward was won by a trick instead of by a better gist; pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Keywords = Sequence[str]
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Sameness:
    """How much gists of different items are alike.

    Attributes:
        most_frequent: share of the gists that are the most frequent one; 1 if all are the same.
        distinct: distinct gists over gists; 1 if no two are the same.
        distinct_keywords: distinct keywords over keywords.
    """

    most_frequent: float
    distinct: float
    distinct_keywords: float


def lengths(gists: Sequence[Keywords]) -> Floats:
    """Keywords of each gist: float32 [n]."""
    return np.array([len(gist) for gist in gists], dtype=np.float32)


def repetition(gists: Sequence[Keywords]) -> Floats:
    """Share of a gist's words that stood in it before: float32 [n] in [0, 1); 0 without words."""
    found = []
    for gist in gists:
        words = [word for keyword in gist for word in words_of(keyword)]
        found.append(1 - len(set(words)) / len(words) if words else 0.0)
    return np.array(found, dtype=np.float32)


def copying(gists: Sequence[Keywords], texts: Sequence[str]) -> Floats:
    """Share of a gist's keywords that stand word for word in the item's title or text.

    Args:
        gists: n lists of keywords.
        texts: n titles and texts.

    Returns:
        float32 [n] in [0, 1]; 0 without keywords. Case and punctuation do not count.
    """
    found = []
    for gist, text in zip(gists, texts, strict=True):
        words = words_of(text)
        copied = sum(stands_in(words_of(keyword), words) for keyword in gist)
        found.append(copied / len(gist) if gist else 0.0)
    return np.array(found, dtype=np.float32)


def sameness(gists: Sequence[Keywords]) -> Sameness:
    """How much the gists of different items are alike; empty ones are left out.

    Where there is no gist at all every share is 0.
    """
    told = [tuple(gist) for gist in gists if gist]
    if not told:
        return Sameness(0.0, 0.0, 0.0)
    counts: dict[tuple[str, ...], int] = {}
    for gist in told:
        counts[gist] = counts.get(gist, 0) + 1
    keywords = [keyword for gist in told for keyword in gist]
    return Sameness(
        max(counts.values()) / len(told),
        len(counts) / len(told),
        len(set(keywords)) / len(keywords),
    )


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def stands_in(run: Sequence[str], words: Sequence[str]) -> bool:
    """Whether ``run``, not empty, stands in ``words`` as it is."""
    size = len(run)
    return size > 0 and any(
        list(words[at : at + size]) == list(run) for at in range(len(words) - size + 1)
    )
