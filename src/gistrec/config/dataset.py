"""Which part of a dataset a run may see."""

from typing import Literal

from pydantic import Field

from gistrec.config.base import StageConfig

Withhold = Literal["nothing", "images", "text"]


class DatasetConfig(StageConfig):
    """How a dataset is opened.

    Attributes:
        withhold: images or text that no system may see, for a modality knock-out.
        min_interactions: k of a k-core: users and items with fewer interactions fall out until
            none is left; 0 keeps all.
    """

    withhold: Withhold = "nothing"
    min_interactions: int = Field(default=0, ge=0)
