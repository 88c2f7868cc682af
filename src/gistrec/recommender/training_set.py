"""What a recommender learns from: windows of the log, and what was known at each of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gistrec.data.sequences import IntArray, LongArray, Sequences
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.profile import Profile
from gistrec.recommender.windows import Windows

Evidence = Callable[[Windows, IntArray], list[list[str]]]


@dataclass(frozen=True)
class TrainingSet:
    """What the recommender learns from.

    Attributes:
        log: the training log.
        windows_of: an epoch's windows.
        nearby: what similar users chose next, found out of fold.
        evidence: lines of evidence for the candidates [b, c] of b windows; None where prompts hold
            none.
        written: title and text of every item, in catalogue order; either may be empty. Nothing at
            all where only images are to be aligned with words.
        tastes: by user and moment, of every window; None where prompts tell none.
    """

    log: Sequences
    windows_of: Callable[[int], Windows]
    nearby: Nearby
    evidence: Evidence | None = None
    written: Sequence[tuple[str, str]] = ()
    tastes: Mapping[tuple[str, int], str] | None = None

    def asked(self, windows: Windows) -> Iterator[Profile]:
        """What is known of each window's user."""
        for row, moment in zip(windows.rows.tolist(), windows.moments.tolist(), strict=True):
            key = (self._users[row], moment)
            taste = "" if self.tastes is None else self.tastes[key]
            yield Profile(self.log[row][:moment].tolist(), self.nearby.get(key, ()), taste)

    def told(self, windows: Windows, candidates: IntArray) -> list[list[str]] | list[None]:
        """Lines of evidence for each window's candidates, or None for each window."""
        if self.evidence is None:
            return [None] * len(windows)
        return self.evidence(windows, candidates)

    @cached_property
    def known(self) -> LongArray:
        """int64 [m], the item codes that occur in the log."""
        return np.unique(self.log.items).astype(np.int64)

    @cached_property
    def _users(self) -> list[str]:
        users: list[str] = self.log.users.to_list()
        return users
