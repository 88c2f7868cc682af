"""The fine-tuned backbone as a ranker: yes-minus-no of every candidate, prefix run once a user."""

from collections.abc import Mapping, Sequence

import numpy as np

from gistrec.data.ranker import Scores
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.lists import ListRanker
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.prompter import Prompter


class MllmRanker(ListRanker):
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
        super().__init__(name, prompter, nearby, retrieved, n_items)
        self._backbone = backbone
        self._features = features

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
