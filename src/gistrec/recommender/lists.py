"""What rankers that ask a language model share: whose lists are scored, and what is known."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.mllm.budget import Cuts, cuts_of
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.prompter import Prompter


class ListRanker(ABC):
    """A ranker that scores a list of candidates a user, each of any length."""

    def __init__(
        self,
        name: str,
        prompter: Prompter,
        nearby: Nearby,
        retrieved: Mapping[tuple[str, int], Sequence[int]],
        n_items: int,
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            prompter: how the model is asked.
            nearby: what similar users chose next, by user and moment.
            retrieved: which items are scored where the whole catalogue is ranked, likewise.
            n_items: size of the catalogue.
        """
        self._name = name
        self._prompter = prompter
        self._nearby = nearby
        self._retrieved = retrieved
        self._n_items = n_items

    @property
    def name(self) -> str:
        """How leaderboards call it."""
        return self._name

    @property
    def prompter(self) -> Prompter:
        """How the model is asked."""
        return self._prompter

    @abstractmethod
    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's own list of candidates, float32 [len(list)] each."""

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """As ``Ranker.score``; over the whole catalogue, what was not retrieved is UNRANKED.

        Raises:
            RunError: the whole catalogue is asked for and nothing was retrieved for a user.
        """
        if candidates is not None:
            asked = [row.tolist() for row in candidates]
            lists = self.score_lists(histories, asked)
            return np.array(lists, dtype=np.float32).reshape(candidates.shape)
        asked = [self._retrieved_for(histories, place) for place in range(len(histories))]
        scores = np.full((len(histories), self._n_items), UNRANKED, dtype=np.float32)
        for place, found in enumerate(self.score_lists(histories, asked)):
            scores[place, asked[place]] = found
        return scores

    def cuts(self, *asked: Sequences) -> Cuts:
        """What these users' prompts leave out to keep to the budget."""
        return cuts_of(
            self._prompter.plan(history, nearby)
            for histories in asked
            for history, nearby in self._known(histories)
        )

    def _known(self, histories: Sequences) -> Iterator[tuple[list[int], Sequence[int]]]:
        """Each user's history, and what similar users chose next."""
        moments = histories.lengths.tolist()
        for place, (user, history) in enumerate(zip(histories.users, histories, strict=True)):
            yield history.tolist(), self._nearby.get((user, moments[place]), ())

    def _retrieved_for(self, histories: Sequences, place: int) -> Sequence[int]:
        key = (histories.users[place], int(histories.lengths[place]))
        found = self._retrieved.get(key)
        if found is None:
            raise RunError(f"nothing was retrieved for user {key[0]!r} after {key[1]} interactions")
        return found
