"""Every prompt there is, in one place and versioned; training and testing build theirs here alike.

A prompt is a list of segments: text, or the image of an item. The part that all candidates of a
user share comes first, so that it is run once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

PROMPT_VERSION = "3"


@dataclass(frozen=True)
class ItemImage:
    """Where the image of the item with this code stands in a prompt."""

    code: int


Segment = str | ItemImage
Part = TypeVar("Part")  # a line, or its token ids
FrameLines = tuple[Part, Part, Part]

IMAGE_KEYWORDS_QUESTION = "Keywords of the image:"
TEXT_KEYWORDS_QUESTION = "Keywords of the text:"
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Nouns:
    """What an item is called and what users do with it: "product", "bought"."""

    item: str
    verb: str


def image_keywords(code: int) -> list[Segment]:
    """Ask for the keywords of an item's image alone (MMSRARec 3.3: one modality at a time)."""
    return [ItemImage(code), IMAGE_KEYWORDS_QUESTION]


def text_keywords(title: str, text: str) -> list[Segment]:
    """Ask for the keywords of an item's title and text alone."""
    return [f"{title}\n{text}\n" if text else f"{title}\n", TEXT_KEYWORDS_QUESTION]


def insisted(question: Sequence[Segment], most: int) -> list[Segment]:
    """A question for keywords once more, after an answer that was something else."""
    *shown, asked = question
    only = f"Answer with at most {most} keywords, separated by commas. No sentence, nothing else.\n"
    return [*shown, f"{only}{asked}"]


def known_of_user(nouns: Nouns, history: Sequence[str], neighbours: Sequence[str]) -> list[Segment]:
    """What all candidates of a user share: gists of the history, then the similar users' next.

    Args:
        nouns: the dataset's words for item and action.
        history: gists, oldest first.
        neighbours: gists of what the most similar users chose next, most similar first.
    """
    return [*in_order(frame_lines(nouns), list(map(entry, history)), list(map(entry, neighbours)))]


def in_order(
    frame: FrameLines[Part], history: Sequence[Part], neighbours: Sequence[Part]
) -> list[Part]:
    """The parts of ``known_of_user`` where they stand, whatever stands for a line.

    Args:
        frame: ``frame_lines``; the one about similar users is left out without ``neighbours``.
        history: entries, oldest first.
        neighbours: entries, most similar first.
    """
    opening, heading, question = frame
    return [opening, *history, *([heading, *neighbours] if neighbours else ()), question]


def frame_lines(nouns: Nouns) -> FrameLines[str]:
    """The lines above the history and above what similar users chose, and the question."""
    return (
        f"A user {nouns.verb} in this order:\n",
        f"Similar users {nouns.verb} next:\n",
        f"Does this {nouns.item} come next?\n",
    )


def entry(words: str) -> str:
    """One line of a prompt: a gist, or a candidate's title."""
    return f"{words}\n"


def candidate(code: int | None, title: str, gist: str) -> list[Segment]:
    """One candidate: its image (where ``code`` names one), its title, its gist."""
    segments: list[Segment] = [ItemImage(code)] if code is not None else []
    if title:
        segments.append(entry(title))
    if gist:
        segments.append(entry(gist))
    return segments


def fixed_texts(nouns: Nouns) -> list[str]:
    """Every text that prompts hold whatever they are about: words a new tokenizer must know."""
    lines = [segment for segment in known_of_user(nouns, [], [""]) if isinstance(segment, str)]
    return [*lines, IMAGE_KEYWORDS_QUESTION, TEXT_KEYWORDS_QUESTION, f"{YES} {NO}"]


def listed(keywords: Sequence[str]) -> str:
    """Keywords as an answer lists them; ``parsed`` undoes it."""
    return ", ".join(keywords)


def parsed(answer: str, most: int) -> tuple[str, ...]:
    """The keywords of an answer: trimmed, lower case, each once, ``most`` at the most."""
    words = (word.strip(" .;:\"'\t\n").lower() for word in answer.replace("\n", ",").split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:most]
