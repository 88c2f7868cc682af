"""How similar users are found."""

from typing import Literal

from pydantic import Field, PositiveInt

from gistrec.config.base import StageConfig


class CollabConfig(StageConfig):
    """How similar users are found.

    Attributes:
        encoder: the model of item sequences whose states are compared.
        neighbours: distinct similar users a prompt is told about; 0 for none.
        next_items: how many items that a neighbour chose next are told.
        folds: encoders trained so that no training user is read by one that trained on them.
        max_moments: latest moments of a training user that the knowledge base keeps; None for all.
        index: how states are searched: `flat` exactly, `hnsw` and `ivf` approximately; `auto` is
            flat up to ``exact_up_to`` states and hnsw beyond.
        exact_up_to: states.
        seed: of the folds.
    """

    encoder: Literal["sasrec", "gru4rec"] = "sasrec"
    neighbours: int = Field(default=3, ge=0)
    next_items: PositiveInt = 1
    folds: int = Field(default=2, ge=2)
    max_moments: PositiveInt | None = 50
    index: Literal["auto", "flat", "hnsw", "ivf"] = "auto"
    exact_up_to: PositiveInt = 500_000
    seed: int = 0
