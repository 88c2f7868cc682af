"""Which part of a dataset a run may see."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig

Withhold = Literal["nothing", "images", "text"]
Shuffle = Literal["nothing", "images"]
Part = Literal["whole", "first-half", "second-half"]


class DatasetConfig(StageConfig):
    """How a dataset is opened.

    Attributes:
        withhold: images or text that no system may see, for a modality knock-out.
        shuffle: `images` gives every item the image of another; items without one stay without.
        part: a half of the catalogue, drawn at random, with the interactions that it has; the two
            halves of one seed have no item in common, and users in common.
        min_interactions: k of a k-core of that part: users and items with fewer interactions fall
            out until none is left; 0 keeps all.
        seed: of who gets whose image, and of the halves.
    """

    withhold: Withhold = "nothing"
    shuffle: Shuffle = "nothing"
    part: Part = "whole"
    min_interactions: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _something_is_left_to_shuffle(self) -> "DatasetConfig":
        if self.withhold == self.shuffle == "images":
            raise ValueError("images cannot be withheld and shuffled at once: set one of them")
        return self
