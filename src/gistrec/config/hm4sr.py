"""HM4SR, a comparator that reads times, texts and images beside item ids."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.sequence_training import SequenceTrainingConfig
from gistrec.config.text import SentenceEncoderKind


class Hm4srConfig(SequenceTrainingConfig):
    """How HM4SR is built and trained; sizes and weights are the paper's.

    Attributes:
        width: of each of the three modalities; ``heads`` must divide it.
        layers: of each of the three encoders.
        max_length: the most recent items a state is made from; longer logs train in windows.
        experts: of the alignment, and as many temporal ones.
        temporal_experts: `fixed` are trained and kept; `as-released` stay at their initial values,
            as in the authors' code.
        temporal: whether times are read; `auto` where they are times, not mere positions.
        text: which sentence encoder reads titles and texts.
        negatives: uniform negatives shared by a batch; None for the softmax over all items.
        id_contrast: weight of the contrast of a history with the id that comes next.
        id_temperature: of that contrast.
        category: weight of the prediction of items' categories, where items have some.
        placeholder_contrast: weight of the contrast of a history with its copy.
        placeholder_temperature: of that contrast.
        placeholder_share: of the items that are times alone in the copy.
        contrasted: positions of a batch that are contrasted with one another, at most.
    """

    width: int = Field(default=64, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)
    max_length: int = Field(default=50, ge=1)
    experts: int = Field(default=4, ge=1)
    temporal_experts: Literal["fixed", "as-released"] = "fixed"
    temporal: bool | Literal["auto"] = "auto"
    text: SentenceEncoderKind = "auto"
    negatives: int | None = Field(default=None, ge=1)
    id_contrast: float = Field(default=1.0, ge=0.0)
    id_temperature: float = Field(default=0.2, gt=0.0)
    category: float = Field(default=1.0, ge=0.0)
    placeholder_contrast: float = Field(default=1.0, ge=0.0)
    placeholder_temperature: float = Field(default=1.0, gt=0.0)
    placeholder_share: float = Field(default=0.3, gt=0.0, lt=1.0)
    contrasted: int = Field(default=1024, ge=2)
    epochs: int = Field(default=50, ge=1)
    patience: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "Hm4srConfig":
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self
