"""A user's taste as a value that follows events, each for the fewest questions."""

from collections.abc import Sequence
from dataclasses import dataclass

from gistrec.taste.telling import Codes, Step, Teller


@dataclass(frozen=True)
class LiveTaste:
    """A taste that is the same as if it were told anew from all of its items.

    Attributes:
        items: codes of the user's items, oldest first.
        states: the taste after each whole block.
        taste: after all items; empty without any.
    """

    items: Codes = ()
    states: tuple[str, ...] = ()
    taste: str = ""

    @classmethod
    def of(cls, teller: Teller, items: Sequence[int]) -> "LiveTaste":
        """Told from all items, one question a block."""
        return cls()._onward(teller, tuple(int(code) for code in items), 0)

    def with_event(self, teller: Teller, item: int) -> "LiveTaste":
        """After one more item: one question."""
        return self._onward(teller, (*self.items, item), len(self.states))

    def without(self, teller: Teller, place: int) -> "LiveTaste":
        """As if the item at ``place`` had never been: the questions from its block on.

        Raises:
            IndexError: there is no such place.
        """
        if not 0 <= place < len(self.items):
            raise IndexError(f"there are {len(self.items)} items, and none at place {place}")
        left = (*self.items[:place], *self.items[place + 1 :])
        return self._onward(teller, left, place // teller.block)

    def _onward(self, teller: Teller, items: Codes, kept: int) -> "LiveTaste":
        """After ``items``, which are its own as far as the first ``kept`` blocks."""
        states = list(self.states[:kept])
        taste = states[-1] if states else ""
        for start in range(kept * teller.block, len(items), teller.block):
            held = items[start : start + teller.block]
            (after,) = teller.after([Step(taste, held)], "taste")
            taste = after.taste
            if len(held) == teller.block:
                states.append(taste)
        return LiveTaste(items, tuple(states), taste)
