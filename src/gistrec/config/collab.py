"""How similar users are found."""

from typing import Literal

from pydantic import Field, PositiveInt

from gistrec.config.base import StageConfig


class CollabConfig(StageConfig):
    """How similar users are found.

    Attributes:
        encoder: the model of item sequences whose states are compared.
        neighbours: distinct similar users a prompt is told about.
        next_items: how many items that a neighbour chose next are told.
        folds: encoders trained so that no training user is read by one that trained on them.
        max_moments: latest moments of a training user that the knowledge base keeps; None for all.
        seed: of the folds.
    """

    encoder: Literal["sasrec", "gru4rec"] = "sasrec"
    neighbours: PositiveInt = 3
    next_items: PositiveInt = 1
    folds: int = Field(default=2, ge=2)
    max_moments: PositiveInt | None = 50
    seed: int = 0
