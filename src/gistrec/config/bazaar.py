"""Settings of the bazaar, the built-in synthetic shop."""

from pydantic import Field, NonNegativeFloat, model_validator

from gistrec.config.base import StageConfig


class UtilityWeights(StageConfig):
    """How much a shopper gains from an item that fits one of the current preferences.

    Beside a unit Gumbel noise: each weight is the log of how much likelier such an item is chosen.
    """

    kind: NonNegativeFloat = 7.5
    colour: NonNegativeFloat = 6.5
    pattern: NonNegativeFloat = 5.5
    style: NonNegativeFloat = 6.5
    material: NonNegativeFloat = 5.5
    circle: NonNegativeFloat = 4.0
    appeal: NonNegativeFloat = 0.3  # spread of an item's own popularity


class DriftRates(StageConfig):
    """How likely one preferred value of an attribute is replaced between two purchases."""

    kind: float = Field(default=0.08, ge=0, le=1)
    colour: float = Field(default=0.01, ge=0, le=1)
    pattern: float = Field(default=0.01, ge=0, le=1)
    style: float = Field(default=0.01, ge=0, le=1)
    material: float = Field(default=0.01, ge=0, le=1)


class BazaarConfig(StageConfig):
    """Size, taste and gaps of a bazaar; the same settings make the same bytes."""

    seed: int = Field(default=0, ge=0)
    items: int = Field(default=1200, ge=40)
    users: int = Field(default=2000, ge=1)
    shortest: int = Field(default=8, ge=2)  # purchases of a user, at least
    longest: int = Field(default=12, ge=2)  # and at most
    image_size: int = Field(default=64, ge=16, le=512)  # pixels a side
    without_image: float = Field(default=0.05, ge=0, le=1)  # share of items
    without_text: float = Field(default=0.03, ge=0, le=1)
    community_spread: float = Field(default=0.3, ge=0)  # 0: all communities like the same
    impulse: float = Field(default=0.025, ge=0, le=1)  # share of purchases that follow no taste
    weights: UtilityWeights = UtilityWeights()
    drift: DriftRates = DriftRates()

    @model_validator(mode="after")
    def _lengths_fit(self) -> "BazaarConfig":
        if not self.shortest <= self.longest < self.items:
            raise ValueError("bazaar: needs shortest <= longest < items, nobody buys a thing twice")
        return self
