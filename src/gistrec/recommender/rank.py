"""The fine-tuned backbone as a ranker: yes-minus-no of every candidate, prefix run once a user."""

from collections.abc import Mapping, Sequence

import numpy as np

from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.mllm.backbone import Backbone
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
        rows: list[Row] = []
        owners: list[int] = []
        moments = histories.lengths.tolist()
        for place, (user, history) in enumerate(zip(histories.users, histories, strict=True)):
            nearby = self._nearby.get((user, moments[place]), ())
            if asked[place]:
                rows.append(self._prompter.row(history.tolist(), nearby, asked[place]))
                owners.append(place)
        scores: list[Scores] = [np.empty(0, np.float32)] * len(asked)
        for owner, found in zip(
            owners, score_rows(self._backbone, rows, self._features), strict=True
        ):
            scores[owner] = found.numpy()
        return scores

    def _retrieved_for(self, histories: Sequences, place: int) -> Sequence[int]:
        key = (histories.users[place], int(histories.lengths[place]))
        found = self._retrieved.get(key)
        if found is None:
            raise RunError(f"nothing was retrieved for user {key[0]!r} after {key[1]} interactions")
        return found
