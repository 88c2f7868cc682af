"""What the recommender's prompts show, and how it is fine-tuned."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from gistrec.config.base import StageConfig
from gistrec.config.tasks import TasksConfig
from gistrec.config.tuning import Precision, TuningConfig

_CHECKPOINT_SECONDS = 30.0
CandidatePart = Literal["image", "title", "gist"]


class RecommenderConfig(StageConfig):
    """The recommender stage.

    Attributes:
        history: latest items of a user that a prompt shows (the paper's n); 0 for none, where a
            taste is told.
        candidate: what a prompt shows of a candidate.
        told_by: what the items of prompts are told by: `gist`, or `title` alone, without any
            summary (as in the paper's ablation).
        tasks: what the fine-tuning is made of.
        max_gist_tokens: a longer gist or title is cut there; images are never cut.
        max_prompt_tokens: of a whole prompt with its answer; where there is more, the oldest of the
            history is left out, then the least similar neighbours. None for all that the backbone
            reads.
        loss: `pairwise` is the papers' yes/no cross-entropy, `listwise` a softmax over the
            candidates' yes-minus-no.
        gist_weight: of the second task, to tell each token of the shared prefix, gists for the most
            part, from those before it; 0 leaves it out.
        negatives: uniform negatives beside each positive in training.
        epochs: rounds over the training windows; 0 leaves the backbone as it is.
        from_run: folder of a finished run whose backbone and fine-tuned recommender are taken over;
            nothing is fine-tuned here then. With `epochs` 0 its backbone alone is.
        patience: rounds without a better validation before the training ends; None for all rounds.
        max_windows: windows (a user at a moment) drawn anew for each round; None for all.
        batch_size: windows in a batch.
        precision: arithmetic of the forward pass; `fp16` needs CUDA.
        tuning: what of the backbone is trained.
        accumulation: batches whose mean gradient makes one step.
        checkpoint_seconds: how often a running epoch is saved.
        validation_users: at most so many judge an epoch.
        retrieved: candidates of each kind of retrieval that are scored where the whole catalogue
            is ranked.
    """

    history: int = Field(default=8, ge=0)
    candidate: tuple[CandidatePart, ...] = Field(default=("image", "title", "gist"), min_length=1)
    told_by: Literal["gist", "title"] = "gist"
    tasks: TasksConfig = TasksConfig()
    max_gist_tokens: int = Field(default=24, ge=4)
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    loss: Literal["pairwise", "listwise"] = "listwise"
    gist_weight: float = Field(default=0.5, ge=0)
    negatives: int = Field(default=8, ge=1)
    epochs: int = Field(default=2, ge=0)
    from_run: Path | None = None
    patience: int | None = Field(default=None, ge=1)
    max_windows: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    precision: Precision = "bf16"
    tuning: TuningConfig = TuningConfig()
    accumulation: int = Field(default=1, ge=1)
    checkpoint_seconds: float = Field(default=_CHECKPOINT_SECONDS, ge=0)
    validation_users: int = Field(default=300, ge=1)
    retrieved: int = Field(default=50, ge=1)
    seed: int = 0

    @field_validator("from_run")
    @classmethod
    def _wherever_it_is_asked_from(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser().resolve()

    @property
    def rounds(self) -> int:
        """How many epochs are trained here."""
        return 0 if self.from_run else self.epochs

    def deciding(self) -> "RecommenderConfig":
        """Itself with everything at its default that changes no result; not where it is taken from.

        What was taken over is an input of the stages that took it.
        """
        plain = {"checkpoint_seconds": _CHECKPOINT_SECONDS, "from_run": None}
        return self.model_copy(update=plain)
