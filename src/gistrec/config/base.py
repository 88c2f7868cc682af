"""What every stage's configuration shares."""

from pydantic import BaseModel, ConfigDict


class StageConfig(BaseModel):
    """Options of one stage: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
