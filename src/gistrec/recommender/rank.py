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
        found = score_rows(self._backbone, list(map(_of_distinct, rows)), self._features)
        return [_spread(row, scores.numpy()) for row, scores in zip(rows, found, strict=True)]

    def rows(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Row]:
        """The prompts that are scored: each user's, with a branch for each of their candidates."""
        told = self._told(histories, asked)
        return [
            self._prompter.row(profile, candidates, lines)
            for profile, candidates, lines in zip(
                self._known.profiles(histories), asked, told, strict=True
            )
        ]


def _of_distinct(row: Row) -> Row:
    """The row with each branch once: items told alike tie, whatever a batch does to last bits."""
    return Row(row.prefix, tuple(dict.fromkeys(row.branches)))


def _spread(row: Row, scores: Scores) -> Scores:
    """Float32 [branches of ``row``], from the scores of its distinct ones."""
    places = {branch: place for place, branch in enumerate(dict.fromkeys(row.branches))}
    return scores[[places[branch] for branch in row.branches]]
