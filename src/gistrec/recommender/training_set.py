"""What a recommender learns from: windows of the log, and what was known at each of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gistrec.data.sequences import IntArray, LongArray, Sequences
from gistrec.recommender.nearby import Nearby
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
    """

    log: Sequences
    windows_of: Callable[[int], Windows]
    nearby: Nearby
    evidence: Evidence | None = None
    written: Sequence[tuple[str, str]] = ()

    def asked(self, windows: Windows) -> Iterator[tuple[list[int], Sequence[int]]]:
        """What is known of each window's user: the history so far, what similar users chose."""
        for row, moment in zip(windows.rows.tolist(), windows.moments.tolist(), strict=True):
            yield self.log[row][:moment].tolist(), self.nearby.get((self._users[row], moment), ())

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
