"""Answers as they are kept: what was said, and what it cost."""

from collections.abc import Sequence
from typing import NamedTuple, Self

_TOGETHER = 0.005  # seconds; answers of one batch come faster than that after one another


class Told(NamedTuple):
    """An answer, whether the limit of tokens cut it off, and the seconds since the one before."""

    text: str
    cut: bool
    seconds: float

    @classmethod
    def read(cls, told: object) -> Self:
        """From the list that JSON makes of one.

        Raises:
            ValueError: it is none.
        """
        match told:
            case [str(text), bool(cut), float(seconds) | int(seconds)]:
                return cls(text, cut, float(seconds))
        raise ValueError("no answer with a mark whether it was cut off, and its seconds")


def shares(seconds: Sequence[float]) -> list[float]:
    """What each answer took, where those of a batch came together and share its time.

    Args:
        seconds: since the answer before, in the order in which they came.

    Returns:
        As many, with the same sum.
    """
    batches: list[list[float]] = []
    for each in seconds:
        if not batches or each > _TOGETHER:
            batches.append([])
        batches[-1].append(each)
    return [sum(batch) / len(batch) for batch in batches for _ in batch]
