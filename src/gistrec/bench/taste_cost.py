"""What a recommendation by taste costs, and under which conditions that holds."""

from dataclasses import dataclass
from typing import Literal

from gistrec.bench.record import About
from gistrec.bench.taste_ways import PartWay
from gistrec.bench.timing import Timed

Compared = Literal["tastes", "scoring", "whole"]
Told = Literal["all blocks", "last block"]


@dataclass(frozen=True, kw_only=True)
class TasteConditions(About):
    """Under which a comparison holds.

    Attributes:
        compared: how tastes are told, how candidates are scored, or both together.
        told: blocks of which ours told the taste; before the last one tastes were stored. None
            where no taste was told.
        users: whose tastes and candidates ours does at once; seconds are a user's. The published
            way has one user at a time, MMSRARec as many as ours.
        history, block, candidates: as asked.
        item_tokens, taste_tokens, candidate_tokens: as asked; words only.
        answer_tokens: that the published way generates for a candidate.
        prefix_tokens: that candidates share behind a taste.
        images: whether candidates show an image.
        image_tokens: of an image with the marks around it, on top of a candidate's words.
        ours_calls, their_calls: questions that the model answers for one recommendation, or the
            part of it; candidates behind one prefix are one.
        ours_passes, their_passes: forward passes of the language model for one recommendation; one
            that many users share counts for each of them by its share.
        repeats, their_repeats: runs that count, of the part with the fewest.
        ours_median_seconds, their_median_seconds: beside the least disturbed ones.
    """

    compared: Compared
    told: Told | None
    users: int
    history: int
    block: int
    candidates: int
    item_tokens: int
    taste_tokens: int
    candidate_tokens: int
    answer_tokens: int
    prefix_tokens: int
    images: bool
    image_tokens: int
    ours_calls: int
    their_calls: int
    ours_passes: float
    their_passes: float
    repeats: int
    their_repeats: int
    ours_median_seconds: float
    their_median_seconds: float


@dataclass(frozen=True)
class Cost:
    """What one user's recommendation costs, or a part of it.

    Attributes:
        seconds, median: the sum of the parts' least disturbed runs, and of their middle ones.
        repeats: runs that count, of the part with the fewest.
        calls, passes: see ``TasteConditions``.
    """

    seconds: float
    median: float
    repeats: int
    calls: int
    passes: float

    @classmethod
    def of(cls, way: PartWay, timed: Timed, passes: int) -> "Cost":
        """Of one part, whose run took so many forward passes."""
        return cls(
            timed.best / way.users,
            timed.median / way.users,
            len(timed.seconds),
            way.calls,
            passes / way.users,
        )

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.median + other.median,
            min(self.repeats, other.repeats),
            self.calls + other.calls,
            self.passes + other.passes,
        )
