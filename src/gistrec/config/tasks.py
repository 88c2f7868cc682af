"""The kinds of task that a recommender is fine-tuned on, and how they are mixed."""

from pydantic import Field

from gistrec.config.base import StageConfig


class TasksConfig(StageConfig):
    """Weights of the four kinds (MMSRARec 3.5): how many examples for each window of `yes_no`.

    Attributes:
        yes_no: will the user choose this candidate; a positive and its negatives in one row.
        choice: which of these candidates comes next.
        next_gist: the gist of the next item, in words.
        alignment: the gist of an item, from its image and its text.
    """

    yes_no: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    choice: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    next_gist: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    alignment: float = Field(default=0.25, ge=0, allow_inf_nan=False)
