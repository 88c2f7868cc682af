"""Whether and how the model that writes gists is tuned by rewards."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.rewards import RewardConfig
from gistrec.config.tuning import TuningConfig


class GistTuningConfig(StageConfig):
    """The gist-tuning stage.

    Attributes:
        kind: `none` leaves the backbone as it is, `grpo` tunes it (MMSRARec 3.3).
        rewards: what an answer is rewarded for.
        image_meaning: what keywords of an image are to be near to: `text`, the item's title and
            text, is the paper's, and what only the image shows is lost; `text-and-seen` adds what
            the untuned model says of the image, and leaves the reconstruction of the text out.
        steps: of the optimiser, at most.
        questions: asked in each step; an item has one about its image and one about its text.
        generations: answers drawn to each question, which are compared with one another.
        batch_size: answers run forward and backward at once; questions x generations must be a
            multiple of it.
        temperature: at which answers are drawn.
        kl: weight of the distance from the untuned model; 0 leaves it out.
        learning_rate: after a rise over the first tenth of the steps.
        precision: arithmetic of the forward pass; `fp16` is not offered.
        tuning: which weights are trained.
        max_items: so many items are asked about in training, drawn at random; None for all.
        validation_items: held out; their likeliest answers are judged.
        validate_every: steps from one judgement to the next.
        patience: judgements without a better one before tuning ends; the best weights are kept.
        retold_tokens: a longer title and text is shortened before the reconstruction is computed.
        seed: of the draws.
    """

    kind: Literal["none", "grpo"] = "none"
    rewards: RewardConfig = RewardConfig()
    image_meaning: Literal["text", "text-and-seen"] = "text-and-seen"
    steps: int = Field(default=200, ge=1)
    questions: int = Field(default=8, ge=1)
    generations: int = Field(default=8, ge=2)
    batch_size: int = Field(default=64, ge=1)
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    kl: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    learning_rate: float = Field(default=3e-4, gt=0, allow_inf_nan=False)
    precision: Literal["none", "bf16"] = "bf16"
    tuning: TuningConfig = TuningConfig()
    max_items: int | None = Field(default=None, ge=1)
    validation_items: int = Field(default=100, ge=1)
    validate_every: int = Field(default=20, ge=1)
    patience: int = Field(default=4, ge=1)
    retold_tokens: int = Field(default=64, ge=1)
    seed: int = 0

    @model_validator(mode="after")
    def _batches_are_whole(self) -> "GistTuningConfig":
        answers = self.questions * self.generations
        if self.batch_size < answers and answers % self.batch_size:
            raise ValueError(
                f"questions x generations ({answers}) must be a multiple of batch_size "
                f"({self.batch_size})"
            )
        return self

    @property
    def answers(self) -> int:
        """Answers drawn in a step."""
        return self.questions * self.generations
