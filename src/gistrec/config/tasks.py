"""The kinds of task that a recommender is fine-tuned on, and how they are mixed."""

from pydantic import Field

from gistrec.config.base import StageConfig


class TasksConfig(StageConfig):
    """How many examples of the four kinds (MMSRARec 3.5) there are for each window of a round.

    Attributes:
        yes_no: will the user choose this candidate; a positive and its negatives in one row.
        choice: which of these candidates comes next.
        next_gist: the gist of the next item, in words.
        alignment: the gist of an item, from its image and its text.
        max_text_tokens: a longer text is shortened at its end before `alignment` shows it.
    """

    yes_no: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    choice: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    next_gist: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    alignment: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    max_text_tokens: int = Field(default=160, ge=8)
