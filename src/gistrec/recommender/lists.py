"""What rankers that ask a language model share: whose lists are scored, and what is known."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from gistrec.counted import counted
from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.mllm.budget import Cuts, cuts_of
from gistrec.recommender.known import Known
from gistrec.recommender.memory import ScoreMemory
from gistrec.recommender.prompter import Prompter


class ListRanker(ABC):
    """A ranker that scores a list of candidates a user, each of any length."""

    def __init__(
        self,
        name: str,
        prompter: Prompter,
        known: Known,
        n_items: int,
        memory: ScoreMemory | None = None,
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            prompter: how the model is asked.
            known: what its prompts are made of.
            n_items: size of the catalogue.
            memory: scores that are there already, and where those that come are put.
        """
        self._name = name
        self._prompter = prompter
        self._known = known
        self._n_items = n_items
        self._memory = ScoreMemory() if memory is None else memory

    @property
    def name(self) -> str:
        """How leaderboards call it."""
        return self._name

    @property
    def prompter(self) -> Prompter:
        """How the model is asked."""
        return self._prompter

    @property
    def memory(self) -> ScoreMemory:
        """Every score given so far."""
        return self._memory

    @abstractmethod
    def _score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """As ``score_lists``, by asking the model; no list is empty."""

    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's own list of candidates, float32 [len(list)] each.

        What was scored before is not asked for again: the same prompt has the same score.
        """
        missing = self._memory.missing(histories, asked)
        places = [place for place, codes in enumerate(missing) if codes]
        if places:
            asking = histories.take(places)
            lists = [missing[place] for place in places]
            self._memory.add(asking, lists, self._score_lists(asking, lists))
        return self._memory.scores(histories, asked)

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
            self._prompter.plan(profile)
            for histories in asked
            for profile in self._known.profiles(histories)
        )

    def _told(
        self, histories: Sequences, asked: Sequence[Sequence[int]]
    ) -> Sequence[list[str] | None]:
        """Lines of evidence, a list a user; None where prompts hold none."""
        tell = self._known.tell
        return [None] * len(asked) if tell is None else tell(histories, asked)

    def _retrieved_for(self, histories: Sequences, place: int) -> Sequence[int]:
        key = (histories.users[place], int(histories.lengths[place]))
        found = self._known.retrieved.get(key)
        if found is None:
            raise RunError(
                f"nothing was retrieved for user {key[0]!r} after {counted(key[1], 'interaction')}"
            )
        return found
