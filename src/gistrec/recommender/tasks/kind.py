"""What the kinds of task have in common: batches whose prompts are built when they are run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch

from gistrec.config.recommender import RecommenderConfig
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.training_set import TrainingSet


@dataclass(frozen=True, eq=False)
class Material:
    """What tasks are made of.

    Attributes:
        backbone: what is trained.
        prompter: what prompts show of users and items.
        features: the catalogue's images, seen once.
        data: windows, neighbours, evidence, texts.
        config: weights of the kinds, sizes, seed.
    """

    backbone: Backbone
    prompter: Prompter
    features: ImageFeatures
    data: TrainingSet
    config: RecommenderConfig

    def require(self, kind: str, tokens: int) -> None:
        """Refuse a kind of task whose prompts have no room.

        Args:
            kind: as ``TasksConfig`` calls it.
            tokens: of its longest prompt without any history, answer included.

        Raises:
            ConfigError: says what to set.
        """
        limit = self.prompter.budget.limit
        if limit is not None and tokens > limit:
            raise ConfigError(
                f"prompts of the task {kind} take {tokens} tokens even without any history, and "
                f"{limit} are allowed: set recommender.tasks.{kind} to 0, or raise "
                "recommender.max_prompt_tokens, or lower recommender.max_gist_tokens"
            )

    @cached_property
    def longest_answer(self) -> int:
        """Tokens of the longest answer that tells an item of the log."""
        answers = (self.backbone.answer(self.prompter.words(c)) for c in self.data.known.tolist())
        return max((len(answer.ids) for answer in answers), default=0)

    @property
    def titled(self) -> bool:
        """Whether prompts tell items by their titles."""
        return self.config.told_by == "title"


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples of one kind.

    Attributes:
        kind: as ``TasksConfig`` calls it.
        examples: how many.
        loss: builds their prompts, runs them, and gives their loss, a scalar.
    """

    kind: str
    examples: int
    loss: Callable[[], torch.Tensor]


class Kind(Protocol):
    """One kind of task."""

    def batches(self, epoch: int) -> Sequence[Batch]:
        """An epoch's, in random order; equally many in every epoch."""
        ...
