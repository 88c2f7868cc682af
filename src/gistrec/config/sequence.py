"""How an ID-sequence model is built and trained."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.sequence_training import SequenceTrainingConfig

Architecture = Literal["sasrec", "gru4rec", "bert4rec"]


class SequenceConfig(SequenceTrainingConfig):
    """One model of item sequences; the defaults suit tens of thousands of users and items.

    Attributes:
        width: size of item embeddings and states.
        heads: attention heads, of the Transformers only; must divide ``width``.
        max_length: the most recent items a state is made from; longer logs train in windows.
        negatives: uniform negatives shared by a batch; None, or a catalogue of at most twice as
            many items, means the full softmax.
        mask_share: share of positions hidden while training, of BERT4Rec only.
        dtype: of the network's arithmetic; parameters and loss stay float32. bfloat16 trains a
            third faster on a CPU that has it natively, and slower on one that has not.
    """

    architecture: Architecture = "sasrec"
    width: int = Field(default=128, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    max_length: int = Field(default=50, ge=1)
    negatives: int | None = Field(default=1024, ge=1)
    mask_share: float = Field(default=0.4, gt=0.0, lt=1.0)
    dtype: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "SequenceConfig":
        if self.architecture != "gru4rec" and self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self
