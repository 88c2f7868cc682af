"""Answers as they are kept: what was said, and what it cost."""

from collections.abc import Mapping
from typing import NamedTuple, Self

_TOGETHER = 0.005  # seconds; answers of one batch come faster than that after one another


class Told(NamedTuple):
    """An answer.

    Attributes:
        text: what was said.
        cut: whether the limit of tokens cut it off.
        seconds: since the answer before; its share of the time, once that is known.
        shared: whether that is known.
    """

    text: str
    cut: bool
    seconds: float
    shared: bool = False

    @classmethod
    def read(cls, told: object) -> Self:
        """From the list that JSON makes of one.

        Raises:
            ValueError: it is none.
        """
        match told:
            case [str(text), bool(cut), float(seconds) | int(seconds), bool(shared)]:
                return cls(text, cut, float(seconds), shared)
        raise ValueError("no answer with its cost")


def with_shares(entries: Mapping[str, Told]) -> dict[str, Told]:
    """Each with its share of the time, where those of a batch came together; the sum stays.

    Args:
        entries: in the order in which they came.
    """
    batches: list[list[str]] = []
    for key, told in entries.items():
        if not batches or told.shared or told.seconds > _TOGETHER or entries[batches[-1][0]].shared:
            batches.append([])
        batches[-1].append(key)
    found = {}
    for batch in batches:
        share = sum(entries[key].seconds for key in batch) / len(batch)
        found.update({key: entries[key]._replace(seconds=share, shared=True) for key in batch})
    return found
