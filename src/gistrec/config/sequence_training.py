"""How a model of item sequences is trained, whatever it is made of."""

from pydantic import Field

from gistrec.config.base import StageConfig


class SequenceTrainingConfig(StageConfig):
    """What the one training loop asks for.

    Attributes:
        weight_decay: AdamW's, of all but the item embeddings.
        embedding_decay: AdamW's, of the item embeddings: what keeps rare items from being learned
            by heart, and so the strongest guard against overfitting on sparse data.
        epochs: the most passes over the training log; the learning rate decays over them.
        patience: passes without a better validation NDCG@10 before training stops.
        validation_queries: at most so many of the validation queries are used.
    """

    learning_rate: float = Field(default=1e-3, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    embedding_decay: float = Field(default=1.0, ge=0.0)
    warmup_steps: int = Field(default=100, ge=0)
    clip_norm: float = Field(default=1.0, gt=0.0)
    batch_size: int = Field(default=128, ge=1)
    epochs: int = Field(default=10, ge=1)
    patience: int = Field(default=3, ge=1)
    validation_queries: int = Field(default=10_000, ge=1)
    seed: int = Field(default=0, ge=0)
