"""Molar, a comparator whose item vectors are the states of a multimodal language model."""

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.sequence_training import SequenceTrainingConfig
from gistrec.config.tuning import Precision, TuningConfig


class MolarItemsConfig(StageConfig):
    """How the backbone is tuned to turn an item into one vector, and what it is shown of it.

    Attributes:
        max_text_tokens: of title and text together; a longer text is cut at its end.
        epochs: rounds of tuning; 0 takes the backbone's states as they are.
        max_windows: pieces of histories of a round, at most; others are drawn in each.
        length: items of such a piece; the last one is only guessed.
        batch_size: pieces of a step.
        learning_rate: the peak, after a short rise; then it falls to nothing.
        image_text: weight of the contrast of an item's image with its own words.
        image_text_items: items of a step that are contrasted so, at most.
    """

    max_text_tokens: int = Field(default=200, ge=1)
    epochs: int = Field(default=1, ge=0)
    max_windows: int = Field(default=20_000, ge=1)
    length: int = Field(default=10, ge=2)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0.0)
    image_text: float = Field(default=0.1, ge=0.0)
    image_text_items: int = Field(default=16, ge=2)
    tuning: TuningConfig = TuningConfig()
    precision: Precision = "none"
    accumulation: int = Field(default=1, ge=1)


class MolarConfig(SequenceTrainingConfig):
    """How Molar's two encoders are built and trained.

    Attributes:
        items: the item encoder.
        width: of the user encoder; ``heads`` must divide it.
        layers: of the user encoder.
        max_length: the most recent items a state is made from; longer logs train in windows.
        negatives: uniform negatives shared by a batch; None for all items.
        near_duplicate: a negative whose cosine with the positive is above this is left out.
        alignment: weight of the contrast of a user's state with that of the sequence encoder which
            `collab.encoder` names; 0 leaves it out, as in the authors' code.
        alignment_temperature: of that contrast.
        embedding_decay: AdamW's, of the projection of item vectors.
    """

    items: MolarItemsConfig = MolarItemsConfig()
    width: int = Field(default=64, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    max_length: int = Field(default=50, ge=1)
    negatives: int | None = Field(default=None, ge=1)
    near_duplicate: float = Field(default=0.99, gt=0.0, lt=1.0)  # at 1 positives are negatives
    alignment: float = Field(default=0.1, ge=0.0)
    alignment_temperature: float = Field(default=0.2, gt=0.0)
    embedding_decay: float = Field(default=0.01, ge=0.0)
    epochs: int = Field(default=50, ge=1)
    patience: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "MolarConfig":
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self
