"""The engine within this process: the run's backbone, images encoded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.generation import answer_ids, read_answer
from gistrec.mllm.vision.features import ImageFeatures


@dataclass(frozen=True, eq=False)
class LocalEngine:
    """A backbone that answers.

    Attributes:
        backbone: who is asked.
        features: of the images that questions show.
        batch_size: questions answered at once.
    """

    backbone: Backbone
    features: ImageFeatures
    batch_size: int = 128

    @property
    def name(self) -> str:
        """How people know it."""
        return "local"

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (number of the question, its answer), batch by batch."""
        asked = [self.backbone.question(one.segments, self.features.grid) for one in questions]
        for row, ids in answer_ids(
            self.backbone, asked, self.features, max_new_tokens, self.batch_size
        ):
            yield row, read_answer(self.backbone, ids)

    def count(self, text: str) -> int:
        """How many tokens a text takes."""
        return len(self.backbone.text_ids(text))
