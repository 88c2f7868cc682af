"""How systems are measured."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from gistrec.config.base import StageConfig

Protocol = Literal["full", "sampled", "cold-full", "cold-sampled"]


class EvaluationConfig(StageConfig):
    """How systems are measured.

    Attributes:
        protocols: what each positive is ranked among; the cold ones need a split with cold items.
        resamples: how many bootstrap resamples stand behind an interval.
        seed: of the bootstrap.
        chunk: users scored in one call; None lets the size of the catalogue decide.
    """

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)] = ("full", "sampled")
    resamples: PositiveInt = 1000
    seed: int = 0
    chunk: PositiveInt | None = None

    def deciding(self) -> "EvaluationConfig":
        """Itself with everything at its default that changes no rank: intervals are made anew."""
        plain = EvaluationConfig()
        return self.model_copy(update={"resamples": plain.resamples, "seed": plain.seed})
