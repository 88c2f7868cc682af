"""Every prompt there is, in one place and versioned; training and testing build theirs here alike.

A prompt is a list of segments: text, or the image of an item. The part that all candidates of a
user share comes first, so that it is run once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

PROMPT_VERSION = "4"


@dataclass(frozen=True)
class ItemImage:
    """Where the image of the item with this code stands in a prompt."""

    code: int


Segment = str | ItemImage
Part = TypeVar("Part")  # a line, or its token ids
FrameLines = tuple[Part, Part, Part]

IMAGE_KEYWORDS_QUESTION = "Keywords of the image:"
TEXT_KEYWORDS_QUESTION = "Keywords of the text:"
RETELL_QUESTION = "Text with these keywords:"
YES, NO = "yes", "no"
_COUNTS = ((20, "many"), (5, "some"), (2, "few"), (1, "one"), (0, "none"))  # from so many users on
COUNT_STEPS = tuple(least for least, _ in _COUNTS)
PLACE_STEPS = (1, 3, 10, 30, 100, 300, 1000, 3000)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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


def retell(keywords: Sequence[str]) -> list[Segment]:
    """Ask for the title and text that keywords are of: the way back from a gist (MMSRARec 3.3)."""
    return [f"{listed(keywords)}\n", RETELL_QUESTION]


def insisted(question: Sequence[Segment], most: int) -> list[Segment]:
    """A question for keywords once more, after an answer that was something else."""
    *shown, asked = question
    only = f"Answer with at most {most} keywords, separated by commas. No sentence, nothing else.\n"
    return [*shown, f"{only}{asked}"]


def insisted_sentence(question: Sequence[Segment], most: int) -> list[Segment]:
    """A question for a sentence once more, after an answer that was none."""
    *shown, asked = question
    only = f"Answer with one plain sentence of at most {most} words, nothing else.\n"
    return [*shown, f"{only}{asked}"]


def image_sentence(code: int, most: int) -> list[Segment]:
    """Ask for a description of an item's image alone, in ``most`` words (MLLM-MSR)."""
    return [ItemImage(code), f"Describe the image in one sentence, at most {most} words:"]


def text_sentence(title: str, text: str, most: int) -> list[Segment]:
    """Ask for a summary of an item's title and text alone, in ``most`` words (MLLM-MSR)."""
    asked = f"Summarise the text in one sentence, at most {most} words:"
    return [f"{title}\n{text}\n" if text else f"{title}\n", asked]


def joined_sentence(seen: str, read: str, most: int) -> list[Segment]:
    """Ask for one sentence out of what was seen and what was read, in ``most`` words (MLLM-MSR)."""
    asked = f"Join both in one sentence, at most {most} words:"
    return [f"Image: {seen}\nText: {read}\n", asked]


def taste_update(nouns: Nouns, before: str, items: Sequence[str], most: int) -> list[Segment]:
    """Ask for a user's preference after some more items (MLLM-MSR, recurrent preference summary).

    Args:
        nouns: the dataset's words.
        before: the preference so far; empty for none.
        items: what came since, oldest first, a line each.
        most: words that the answer may take.
    """
    so_far = [f"Preference so far: {before}\n", f"Then the user {nouns.verb}:\n"]
    opening = so_far if before else [f"A user {nouns.verb} in this order:\n"]
    asked = f"What does the user prefer now? At most {most} words, naming no {nouns.item}:"
    return [*opening, *map(entry, items), asked]


def insisted_taste(question: Sequence[Segment], most: int) -> list[Segment]:
    """A question for a preference once more, after an answer that told none."""
    *shown, asked = question
    only = f"Answer with the preference alone, in at most {most} words. Nothing else.\n"
    return [*shown, f"{only}{asked}"]


def known_of_user(
    nouns: Nouns, history: Sequence[str], neighbours: Sequence[str], taste: str = ""
) -> list[Segment]:
    """What all candidates of a user share: their taste, gists of the history, similar users' next.

    Args:
        nouns: the dataset's words for item and action.
        history: gists, oldest first.
        neighbours: gists of what the most similar users chose next, most similar first.
        taste: of the user; empty for none.
    """
    tastes = [taste_line(taste)] if taste else []
    shown, nearby = list(map(entry, history)), list(map(entry, neighbours))
    return [*in_order(frame_lines(nouns), shown, nearby, tastes)]


def in_order(
    frame: FrameLines[Part],
    history: Sequence[Part],
    neighbours: Sequence[Part],
    taste: Sequence[Part] = (),
) -> list[Part]:
    """The parts of ``known_of_user`` where they stand, whatever stands for a line.

    Args:
        frame: ``frame_lines``; the one about the history stands without ``history`` too, unless
            there is a taste; the one about similar users is left out without ``neighbours``.
        history: entries, oldest first.
        neighbours: entries, most similar first.
        taste: the line that tells it, or nothing.
    """
    opening, heading, question = frame
    told = [opening, *history] if history or not taste else []
    return [*taste, *told, *([heading, *neighbours] if neighbours else ()), question]


def taste_line(taste: str) -> str:
    """The line that tells a user's preference."""
    return f"The user's preference: {taste}\n"


def frame_lines(nouns: Nouns) -> FrameLines[str]:
    """The lines above the history and above what similar users chose, and the question."""
    return (
        f"A user {nouns.verb} in this order:\n",
        f"Similar users {nouns.verb} next:\n",
        f"Does this {nouns.item} come next?\n",
    )


def choice_frame() -> tuple[str, str]:
    """The line above the candidates of a choice, and the question below them."""
    return "Candidates:\n", "Which of them comes next? Answer with its letter.\n"


def choice_letter(number: int) -> str:
    """What stands before one candidate of a choice; there are as many as ``LETTERS``."""
    return f"{LETTERS[number]}:"


def choice_entry(words: str) -> str:
    """One candidate of a choice, behind its letter."""
    return f" {words}\n"


def next_question(nouns: Nouns, titled: bool) -> str:
    """Ask for what the next item is told by: its keywords, or its title."""
    return f"Which {nouns.item} comes next? Answer with its {_asked_for(titled)}.\n"


def item_question(nouns: Nouns, titled: bool) -> str:
    """Ask for what the item is told by that is shown."""
    return f"The {_asked_for(titled)} of this {nouns.item}:"


def item_words(
    nouns: Nouns, code: int | None, title: str, text: str, titled: bool
) -> list[Segment]:
    """Ask for what an item is told by, from all that it has (MMSRARec 3.5).

    Args:
        nouns: the dataset's words.
        code: the item whose image is shown; None for no image.
        title: may be empty.
        text: may be empty.
        titled: whether the title is asked for rather than keywords.
    """
    shown: list[Segment] = [ItemImage(code)] if code is not None else []
    shown += [entry(part) for part in (title, text) if part]
    return [*shown, item_question(nouns, titled)]


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


def count_words(users: int) -> str:
    """How many users, in a word."""
    return next(word for least, word in _COUNTS if users >= least)


def place_words(place: int, size: int) -> str:
    """A place in a catalogue of ``size`` items; 0 for none."""
    if place == 0:
        return "unknown"
    steps = (step for step in PLACE_STEPS if step >= place and 2 * place <= size + 1)
    return next((f"top {step}" for step in steps), "rest")


def support_words(users: int, place: int, size: int) -> str:
    """How many users speak for a candidate, and its place by what they say."""
    return f"{count_words(users)} {place_words(place, size)}" if users else count_words(users)


def evidence_line(shared: str, similar: str, order: str, popular: str) -> str:
    """What the log says about one candidate; what is empty is left out.

    Args:
        shared: of users who share an item of the history and chose the candidate.
        similar: of those who chose something alike.
        order: place by the model of sequences.
        popular: place by how many chose it.
    """
    told = {"shared": shared, "alike": similar, "order": order, "popular": popular}
    return entry(", ".join(f"{kind} {words}" for kind, words in told.items() if words))


def _evidence_texts() -> list[str]:
    """Lines that hold every word of evidence, each place after each kind."""
    size = 2 * PLACE_STEPS[-1]
    places = [place_words(place, size) for place in (0, *PLACE_STEPS, size)]
    return [
        evidence_line(
            support_words(
                COUNT_STEPS[number % len(COUNT_STEPS)], PLACE_STEPS[number % len(PLACE_STEPS)], size
            ),
            support_words(COUNT_STEPS[-1 - number % len(COUNT_STEPS)], PLACE_STEPS[-1], size),
            words,
            words,
        )
        for number, words in enumerate(places)
    ]


def fixed_texts(nouns: Nouns) -> list[str]:
    """Every text that prompts hold whatever they are about: words a new tokenizer must know."""
    lines = [segment for segment in known_of_user(nouns, [], [""]) if isinstance(segment, str)]
    tasks = [*choice_frame(), *map(choice_letter, range(len(LETTERS)))]
    for titled in (False, True):
        tasks += [next_question(nouns, titled), item_question(nouns, titled)]
    keywords = [IMAGE_KEYWORDS_QUESTION, TEXT_KEYWORDS_QUESTION, RETELL_QUESTION]
    told = [*_sentence_texts(), *_taste_texts(nouns)]
    return [*lines, *tasks, *_evidence_texts(), *keywords, *told, f"{YES} {NO}"]


def _sentence_texts() -> list[str]:
    asked = (image_sentence(0, 12), text_sentence("", "", 12), joined_sentence("", "", 24))
    return [part for segments in asked for part in segments if isinstance(part, str)]


def _taste_texts(nouns: Nouns) -> list[str]:
    asked = (taste_update(nouns, before, [], 12) for before in ("", "."))
    return [taste_line(""), *(str(part) for segments in asked for part in segments)]


def listed(keywords: Sequence[str]) -> str:
    """Keywords as an answer lists them; ``parsed`` undoes it."""
    return ", ".join(keywords)


def parsed(answer: str, most: int) -> tuple[str, ...]:
    """The keywords of an answer: trimmed, lower case, each once, ``most`` at the most."""
    words = (word.strip(" .;:\"'\t\n").lower() for word in answer.replace("\n", ",").split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:most]


def _asked_for(titled: bool) -> str:
    return "title" if titled else "keywords"
