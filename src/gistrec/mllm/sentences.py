"""The forms in which a new backbone is taught to answer in words: templates of its lessons only.

Every word that is handed in is one word. None of the sentences takes more than ``most`` words, and
none is empty where there are words and ``most`` is 1 or more.
"""

from collections.abc import Sequence

from gistrec.mllm.word_cuts import evenly

_VOWELS = tuple("aeiou")


def described(words: Sequence[str], most: int) -> str:
    """What an image shows, as in "A striped blue kettle".

    Args:
        words: pattern, colour, kind: as they are said, the most important last.
        most: words; where they are few the article is left out first, then what comes first.
    """
    return _sentence(_thing(words[-most:], most))


def summarised(words: Sequence[str], most: int) -> str:
    """What a text is about, as in "About rustic, oak, handmade".

    Args:
        words: the telling ones, the most telling first.
        most: words.
    """
    return _sentence(_led("about", words, most))


def joined(seen: Sequence[str], read: Sequence[str], most: int) -> str:
    """Both in one, as in "A striped blue kettle about rustic, oak, handmade".

    Args:
        seen: as for ``described``.
        read: as for ``summarised``; what stands in ``seen`` is not said twice.
        most: words; where they are few, as many of either side are left out.
    """
    read = [word for word in read if word not in seen]
    image, text = evenly(len(seen), len(read), most - 1)
    if not (seen and text):
        return described(seen, most) if seen else summarised(read, most)
    thing = _thing(seen[-image:], most - 1 - text)
    return _sentence(f"{thing} about {', '.join(read[:text])}")


def taste_told(firm: Sequence[str], faint: Sequence[str], most: int) -> str:
    """What a user prefers, as in "Prefers blue, striped; also kettle, rustic".

    Args:
        firm: what is surely liked, the most important first.
        faint: what may be; alone it reads "Perhaps kettle, rustic".
        most: words; where they are few the last of ``faint`` are left out first.
    """
    if not firm:
        return _sentence(_led("perhaps", faint, most))
    told, room = _led("prefers", firm, most), most - len(firm) - 2
    return _sentence(f"{told}; also {', '.join(faint[:room])}" if faint and room > 0 else told)


def _thing(words: Sequence[str], most: int) -> str:
    """The words behind one another, with an article where there is room for it."""
    if not words or len(words) >= most:
        return " ".join(words)
    article = "an" if words[0].startswith(_VOWELS) else "a"
    return " ".join((article, *words))


def _led(opening: str, words: Sequence[str], most: int) -> str:
    """The words listed behind an opening; without it where there is room for one word alone."""
    if not words or most < 2:
        return "".join(words[:most])
    return f"{opening} {', '.join(words[: most - 1])}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""
