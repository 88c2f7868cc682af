"""What is known about those who are asked about, before the model is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gistrec.data.sequences import Sequences
from gistrec.recommender.nearby import Nearby

# A line of evidence for each candidate of each user.
Tell = Callable[[Sequences, Sequence[Sequence[int]]], list[list[str]]]


@dataclass(frozen=True)
class Known:
    """What prompts are made of besides histories.

    Attributes:
        nearby: what similar users chose next, by user and moment.
        retrieved: which items are scored where the whole catalogue is ranked, likewise.
        tell: lines of evidence; None where prompts hold none.
    """

    nearby: Nearby
    retrieved: Mapping[tuple[str, int], Sequence[int]] = field(default_factory=dict)
    tell: Tell | None = None
