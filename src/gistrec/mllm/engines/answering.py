"""Who answers: what stands beside an answer, and what decides it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answering:
    """Who answers.

    Attributes:
        model: as people know it.
        adapter: on top of it; None without one.
        identity: stands for all of the model that decides an answer.
    """

    model: str
    adapter: str | None
    identity: str
