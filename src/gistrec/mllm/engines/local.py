"""The engine within this process: the run's backbone, images encoded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer, Question, Sampling
from gistrec.mllm.generation import answer_ids, read_answer
from gistrec.mllm.vision.features import ImageFeatures

_SPARE = 8  # tokens: the first words after the frame may take others than they take alone


@dataclass(frozen=True, eq=False)
class LocalEngine:
    """A backbone that answers.

    Attributes:
        backbone: who is asked.
        features: of the images that questions show.
        batch_size: questions answered at once.
        sampling: how answers are drawn; None for the likeliest.
    """

    backbone: Backbone
    features: ImageFeatures
    batch_size: int = 128
    sampling: Sampling | None = None

    @property
    def name(self) -> str:
        """How people know it."""
        return "local"

    @property
    def room(self) -> int:
        """Tokens that a question's texts and its answer may take: the context less the frame's."""
        return self.backbone.context - len(self.backbone.question([""]).ids) - _SPARE

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (number of the question, its answer), batch by batch."""
        # One that stands here twice is asked once: it would be drawn anew the second time.
        numbers: dict[Question, list[int]] = {}
        for number, question in enumerate(questions):
            numbers.setdefault(question, []).append(number)
        asked = [self.backbone.question(one.segments, self.features.grid) for one in numbers]
        same = list(numbers.values())
        for row, ids in answer_ids(
            self.backbone, asked, self.features, max_new_tokens, self.batch_size, self.sampling
        ):
            answer = read_answer(self.backbone, ids)
            for number in same[row]:
                yield number, answer

    def count(self, text: str) -> int:
        """How many tokens a text takes."""
        return len(self.backbone.text_ids(text))
