"""Some users: what is known of them, what they are recommended, and what they really chose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """An item as people see it.

    Attributes:
        gist: "" where it has none.
        image: a data URI; "" where it has no image.
    """

    item_id: str
    title: str
    gist: str
    image: str


@dataclass(frozen=True)
class Similar:
    """A similar user, and what they chose next."""

    user: str
    similarity: float
    items: tuple[Shown, ...]


@dataclass(frozen=True)
class Pick:
    """A recommended item.

    Attributes:
        probability: p(yes) that the model gives it.
        reasons: facts, in sentences.
        is_next: whether the user really chose it next.
    """

    item: Shown
    probability: float
    reasons: tuple[str, ...]
    is_next: bool


@dataclass(frozen=True)
class GalleryUser:
    """One user.

    Attributes:
        known: how many items the history holds.
        history: the latest of them, oldest first.
        tastes: (after how many items, the taste then), where prompts tell any.
        similar: the users whom this one resembles.
        picks: best first.
        next_item: what the user really chose next.
        places: where it stood by each protocol: "3rd of 21, sampled".
    """

    user_id: str
    known: int
    history: tuple[Shown, ...]
    tastes: tuple[tuple[int, str], ...]
    similar: tuple[Similar, ...]
    picks: tuple[Pick, ...]
    next_item: Shown
    places: tuple[str, ...]

    @property
    def place(self) -> int:
        """Where the next item stands among the picks, from 1; 0 where it does not."""
        return next((at for at, pick in enumerate(self.picks, 1) if pick.is_next), 0)


@dataclass(frozen=True)
class Gallery:
    """Users drawn at random, or why there are none.

    Attributes:
        system: who recommends.
        drawn: how they were drawn.
        users: empty where ``absent`` says why.
    """

    system: str = ""
    drawn: str = ""
    users: tuple[GalleryUser, ...] = ()
    absent: str = ""


def ordinal(place: float) -> str:
    """``3rd``; a place in the middle of ties is written as it is: ``3.5``."""
    if place != int(place):
        return f"{place:.1f}"
    whole = int(place)
    if whole % 100 in (11, 12, 13):
        return f"{whole:,}th"
    return f"{whole:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(whole % 10, 'th') }"
