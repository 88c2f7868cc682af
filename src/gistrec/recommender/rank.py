"""The fine-tuned backbone as a ranker: yes-minus-no of every candidate, prefix run once a user."""

from collections.abc import Sequence

from gistrec.data.ranker import Scores
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.known import Known
from gistrec.recommender.lists import ListRanker
from gistrec.recommender.memory import ScoreMemory
from gistrec.recommender.prompter import Prompter


class MllmRanker(ListRanker):
    """Scores candidates by log p(yes) - log p(no) of the first answer token."""

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        prompter: Prompter,
        features: ImageFeatures,
        known: Known,
        n_items: int,
        memory: ScoreMemory | None = None,
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            backbone: what scores.
            prompter: how it is asked.
            features: the catalogue's images, seen once.
            known: what its prompts are made of.
            n_items: size of the catalogue.
            memory: scores that are there already, and where those that come are put.
        """
        super().__init__(name, prompter, known, n_items, memory)
        self._backbone = backbone
        self._features = features

    def _score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        rows = self.rows(histories, asked)
        return [found.numpy() for found in score_rows(self._backbone, rows, self._features)]

    def rows(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Row]:
        """The prompts that are scored: each user's, with a branch for each of their candidates."""
        told = self._told(histories, asked)
        return [
            self._prompter.row(profile, candidates, lines)
            for profile, candidates, lines in zip(
                self._known.profiles(histories), asked, told, strict=True
            )
        ]
