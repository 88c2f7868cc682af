"""What is known about those who are asked about, before the model is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gistrec.data.sequences import Sequences
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.profile import Profile

# A line of evidence for each candidate of each user.
Tell = Callable[[Sequences, Sequence[Sequence[int]]], list[list[str]]]
# The taste of each user after their history.
TasteOf = Callable[[Sequences], Sequence[str]]


@dataclass(frozen=True)
class Known:
    """What prompts are made of besides histories.

    Attributes:
        nearby: what similar users chose next, by user and moment.
        retrieved: which items are scored where the whole catalogue is ranked, likewise.
        tell: lines of evidence; None where prompts hold none.
        taste_of: tastes; None where prompts tell none.
    """

    nearby: Nearby
    retrieved: Mapping[tuple[str, int], Sequence[int]] = field(default_factory=dict)
    tell: Tell | None = None
    taste_of: TasteOf | None = None

    def profiles(self, histories: Sequences) -> list[Profile]:
        """What prompts may tell of each user."""
        tastes = [""] * len(histories) if self.taste_of is None else self.taste_of(histories)
        moments = histories.lengths.tolist()
        return [
            Profile(history.tolist(), self.nearby.get((user, moment), ()), taste)
            for user, moment, history, taste in zip(
                histories.users, moments, histories, tastes, strict=True
            )
        ]
