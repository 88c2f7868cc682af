"""How the model's logit is joined with what the log says, on validation users."""

from pydantic import Field

from gistrec.config.base import StageConfig


class FusionConfig(StageConfig):
    """Fusion, reported as the system `<name>+fusion` beside the others.

    Attributes:
        on: whether there is one.
        users: validation users that the calibration is fitted on, at most.
        by_frequency: let the weight of the logit depend on how often the log holds the candidate.
        l2: pull of the weights of standardised features to zero, as strong as so many users.
    """

    on: bool = True
    users: int = Field(default=2000, ge=1)
    by_frequency: bool = True
    l2: float = Field(default=5.0, ge=0, allow_inf_nan=False)
