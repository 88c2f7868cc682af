"""What speaks for a recommended item: facts that were computed, and sentences that hold no others.

Nothing here asks the model to explain itself: it would answer in good prose, true or not. What is
told is what stands in gists and in the log, and how the score moved when the model was asked again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gistrec.data.path import EvidencePath
from gistrec.recommender.left_out import LeftOut
from gistrec.text.words import telling_words

SMALLEST_FALL = 0.01  # of a logit; less is not told, and rounds to nothing
_TOLD = 3  # falls that sentences tell of, the greatest


@dataclass(frozen=True)
class SharedWord:
    """A word of an item's gist, and the other items (codes) whose gists hold it too."""

    word: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Explanation:
    """The facts about one recommended item.

    Attributes:
        item: its code.
        history_words: words of its gist that gists of the latest items hold.
        neighbour_words: words of its gist that gists of similar users' next choices hold.
        chosen_by: ids of similar users who chose it next.
        paths: other users who had an item of the history and it, or something alike.
        left_out: by the fall of the score without each item of the history, the greatest first;
            None where that was not asked. Where a taste is told, it was told anew without the item.
        taste: the user's, as the prompt tells it; empty where nothing could be told, None where
            prompts tell none.
        taste_words: words of the item's gist that the taste holds.
    """

    item: int
    history_words: tuple[SharedWord, ...]
    neighbour_words: tuple[SharedWord, ...]
    chosen_by: tuple[str, ...]
    paths: tuple[EvidencePath, ...]
    left_out: tuple[LeftOut, ...] | None
    taste: str | None = None
    taste_words: tuple[str, ...] = ()


def shared_words(gists: Sequence[str], item: int, others: Sequence[int]) -> tuple[SharedWord, ...]:
    """The words of the gist of ``item`` that gists of ``others`` hold, in the gist's order.

    Args:
        gists: of every item, in catalogue order.
        item: code.
        others: codes; each counts once, and ``item`` itself does not.
    """
    held = {other: telling_words(gists[other]) for other in others if other != item}
    found = [
        SharedWord(spelled, tuple(code for code, its in held.items() if word in its))
        for word, spelled in telling_words(gists[item]).items()
    ]
    return tuple(shared for shared in found if shared.items)


def held_words(gist: str, taste: str) -> tuple[str, ...]:
    """The words of a gist that a taste holds, in the gist's order."""
    held = telling_words(taste)
    return tuple(spelled for word, spelled in telling_words(gist).items() if word in held)


def reasons(why: Explanation, name: Callable[[int], str]) -> list[str]:
    """One sentence a fact, the same for the same facts; ``name`` gives an item's title."""

    def quoted(codes: Sequence[int]) -> str:
        return ", ".join(f'"{_inside_quotes(name(code))}"' for code in codes)

    def listed(words: Sequence[SharedWord]) -> str:
        return "; ".join(f"{shared.word} ({quoted(shared.items)})" for shared in words)

    told = [] if why.taste is None else [_of_taste(why.taste, why.taste_words)]
    if why.history_words:
        told.append(f"words in common with the latest items: {listed(why.history_words)}")
    else:
        told.append("no word in common with the latest items")
    if why.chosen_by:
        users = "similar users" if len(why.chosen_by) > 1 else "similar user"
        told.append(f"chosen next by {users} {', '.join(why.chosen_by)}")
    if why.neighbour_words:
        told.append(
            f"words in common with what similar users chose next: {listed(why.neighbour_words)}"
        )
    for path in why.paths:
        had = quoted([path.history_item])
        chosen = "it" if path.chose == why.item else f"{quoted([path.chose])}, which is like it"
        way = f"had {had} and later chose" if path.later else f"had both {had} and"
        told.append(f"user {path.user} {way} {chosen}")
    return told if why.left_out is None else [*told, *_falls(why, why.left_out, quoted)]


def _of_taste(taste: str, words: Sequence[str]) -> str:
    if not taste:
        return "no taste of the user could be told"
    if not words:
        return "no word in common with the taste"
    return f"words in common with the taste: {', '.join(words)}"


def _falls(
    why: Explanation, left_out: Sequence[LeftOut], quoted: Callable[[Sequence[int]], str]
) -> list[str]:
    anew = "" if why.taste is None else " and with the taste told anew"
    falls = [one for one in left_out if one.fall >= SMALLEST_FALL]
    if not falls:
        least = f"the model's logit does not fall by {SMALLEST_FALL} or more"
        return [f"{least} without any one of the latest items{anew}"]
    return [
        f"without {quoted([one.item])}{anew} the model's logit falls "
        f"from {one.score:.2f} to {one.without:.2f}"
        for one in falls[:_TOLD]
    ]


def _inside_quotes(title: str) -> str:
    return title.replace('"', "'")
