"""Sentences cut to so many words, whole words and evenly."""

_LOOSE = ",;:-\u2013\u2014.!?\u3002\u2026"  # what may hang at the end of a word
_ENDS = (".", "!", "?", "\u3002", "\uff01", "\uff1f", "\u2026")


def words_in(sentence: str) -> list[str]:
    """Its words with the marks at them; marks that stand alone are no words."""
    return [word for word in sentence.split() if any(map(str.isalnum, word))]


def cut(sentence: str, most: int) -> str:
    """Its first ``most`` words in one line, ended with a full stop where no mark ends them.

    Empty where there are no words or ``most`` is 0.
    """
    words = words_in(sentence)
    line = " ".join(words[:most])
    if not line or (len(words) <= most and line.endswith(_ENDS)):
        return line
    return f"{line.rstrip(_LOOSE)}."


def evenly(first: int, second: int, most: int) -> tuple[int, int]:
    """How many of ``first`` and ``second`` words are kept to make it ``most`` at the most.

    Half of it each, the odd one to the first; what one does not need is the other's.
    """
    kept = min(first, max(-(-most // 2), most - second))
    return kept, min(second, most - kept)
