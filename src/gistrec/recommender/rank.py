"""The fine-tuned backbone as a ranker: yes-minus-no of every candidate, prefix run once a user."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Cuts, cuts_of
from gistrec.mllm.packing import Row
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.prompter import Prompter


class MllmRanker:
    """Scores candidates by log p(yes) - log p(no) of the first answer token."""

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        prompter: Prompter,
        features: ImageFeatures,
        nearby: Nearby,
        retrieved: Mapping[tuple[str, int], Sequence[int]],
        n_items: int,
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            backbone: what scores.
            prompter: how it is asked.
            features: the catalogue's images, seen once.
            nearby: what similar users chose next, by user and moment.
            retrieved: which items are scored where the whole catalogue is ranked, likewise.
            n_items: size of the catalogue.
        """
        self._name = name
        self._backbone = backbone
        self._prompter = prompter
        self._features = features
        self._nearby = nearby
        self._retrieved = retrieved
        self._n_items = n_items

    @property
    def name(self) -> str:
        """How leaderboards call it."""
        return self._name

    @property
    def prompter(self) -> Prompter:
        """How the backbone is asked."""
        return self._prompter

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

    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's own list of candidates, float32 [len(list)] each."""
        owners = [place for place, candidates in enumerate(asked) if len(candidates)]
        rows = self.rows(histories.take(owners), [asked[place] for place in owners])
        scores: list[Scores] = [np.empty(0, np.float32)] * len(asked)
        for owner, found in zip(
            owners, score_rows(self._backbone, rows, self._features), strict=True
        ):
            scores[owner] = found.numpy()
        return scores

    def rows(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Row]:
        """The prompts that are scored: each user's, with a branch for each of their candidates."""
        return [
            self._prompter.row(history, nearby, candidates)
            for (history, nearby), candidates in zip(self._known(histories), asked, strict=True)
        ]

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
