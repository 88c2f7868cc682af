"""What is held out of training, and how it is asked for."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig

SplitKind = Literal["users", "last-out", "time"]


class SplitConfig(StageConfig):
    """One way to hold out what came next.

    Attributes:
        kind: `users` holds out whole users, `last-out` everyone's last two items, `time` all that
            came after a moment.
        asks: `validation` asks every system the validation questions in place of the test's, which
            then stand nowhere in the run: for what is chosen before the test.
        seed: of the users, the cold items and the negatives drawn.
        valid_fraction: share of users (`users`) or of interactions (`time`) that validates.
        test_fraction: share of users (`users`) or of interactions (`time`) that tests.
        negatives: sampled candidates beside each positive.
        cold_fraction: share of the items that leaves the training log altogether; 0 for none.
        max_train_users: train on at most so many users, drawn by seed; None for all.
        max_valid_users: ask at most so many validation users, drawn by seed; None for all.
        max_test_users: ask at most so many test users, drawn by seed; None for all.
    """

    kind: SplitKind = "users"
    asks: Literal["test", "validation"] = "test"
    seed: int = Field(default=0, ge=0)
    valid_fraction: float = Field(default=0.1, gt=0, lt=1)
    test_fraction: float = Field(default=0.1, gt=0, lt=1)
    negatives: int = Field(default=20, ge=1)
    cold_fraction: float = Field(default=0.0, ge=0, lt=1)
    max_train_users: int | None = Field(default=None, ge=1)
    max_valid_users: int | None = Field(default=None, ge=1)
    max_test_users: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something_trains(self) -> "SplitConfig":
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError("valid_fraction + test_fraction must leave a share for training")
        return self
