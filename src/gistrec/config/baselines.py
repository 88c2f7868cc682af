"""Which baselines a run compares with, and their settings."""

from typing import Any, Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.config.molar import MolarConfig
from gistrec.config.sequence import SequenceConfig

BaselineName = Literal[
    "popularity", "itemknn", "ease", "sasrec", "gru4rec", "bert4rec", "hm4sr", "molar"
]


_SEQUENTIAL = ("sasrec", "gru4rec", "bert4rec")
# They take what the backbone sees of images.
_SEEING: tuple[BaselineName, ...] = ("hm4sr", "molar")


class ItemKnnConfig(StageConfig):
    """Neighbours of items by cosine.

    Attributes:
        neighbours: how many of an item's most similar items count.
        popularity_weight: what the most popular item gains; breaks the ties of unrelated items.
    """

    neighbours: int = Field(default=200, ge=1)
    popularity_weight: float = Field(default=1e-3, ge=0.0)


class EaseConfig(StageConfig):
    """The linear autoencoder in closed form.

    Attributes:
        l2: lambda of the paper; larger for shorter histories' noise.
        max_items: a larger trained catalogue is refused: the matrix has its square of numbers.
        dtype: float64 halves the largest possible catalogue and is seldom needed.
    """

    l2: float = Field(default=200.0, gt=0.0)
    max_items: int = Field(default=20_000, ge=1)
    dtype: Literal["float32", "float64"] = "float32"


class BaselinesConfig(StageConfig):
    """The baselines of a run, in the order of its leaderboard."""

    names: tuple[BaselineName, ...] = (
        "popularity",
        "itemknn",
        "ease",
        "sasrec",
        "gru4rec",
        "bert4rec",
    )
    itemknn: ItemKnnConfig = ItemKnnConfig()
    ease: EaseConfig = EaseConfig()
    sasrec: SequenceConfig = SequenceConfig(architecture="sasrec")
    gru4rec: SequenceConfig = SequenceConfig(architecture="gru4rec")
    bert4rec: SequenceConfig = SequenceConfig(architecture="bert4rec")
    hm4sr: Hm4srConfig = Hm4srConfig()
    molar: MolarConfig = MolarConfig()

    @model_validator(mode="before")
    @classmethod
    def _named_after_architecture(cls, settings: Any) -> Any:
        """A sequence model's settings need not repeat which model they are for, nor may differ."""
        if not isinstance(settings, dict):
            return settings
        named = dict(settings)
        for name in _SEQUENTIAL:
            given = named.get(name)
            if isinstance(given, dict):
                named[name] = {"architecture": name, **given}
                if named[name]["architecture"] != name:
                    raise ValueError(f"{name}.architecture must be {name}")
        return named

    def sees(self, name: BaselineName) -> bool:
        """Whether a baseline reads the backbone's image features, which must be made before it."""
        return name in _SEEING

    def follows(self, name: BaselineName) -> bool:
        """Whether a baseline is aligned with the run's sequence encoder, made before it."""
        return name == "molar" and self.molar.alignment > 0
