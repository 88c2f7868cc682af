"""The reward's terms as the GRPOTrainer takes them: one function each, so that each is logged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.gist.tuning.questions import Asked
from gistrec.gist.tuning.scorer import TERMS, Scorer, Scores
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import read_answer

Function = Callable[..., list[float | None]]


@dataclass(frozen=True, eq=False)
class Rewarding:
    """Scores a batch once, and hands it out term by term.

    Attributes:
        scorer: rewards answers.
        asked: the questions, which a batch names by row.
        backbone: whose answers they are.
    """

    scorer: Scorer
    asked: Sequence[Asked]
    backbone: Backbone

    def functions(self) -> list[Function]:
        """One for each of TERMS, in that order; the first is the one that computes."""
        latest: list[Scores] = []

        def function(name: str) -> Function:
            def reward(
                completion_ids: list[list[int]], row: list[int], **_: object
            ) -> list[float | None]:
                if name == TERMS[0]:
                    latest[:] = [self._scores(completion_ids, row)]
                return [
                    None if np.isnan(value) else float(value) for value in latest[0].terms[name]
                ]

            reward.__name__ = name
            return reward

        return [function(name) for name in TERMS]

    def _scores(self, ids: list[list[int]], rows: list[int]) -> Scores:
        answers = [read_answer(self.backbone, one) for one in ids]
        return self.scorer.scores([self.asked[row] for row in rows], answers)
