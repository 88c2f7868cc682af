"""How processes share out an epoch's batches, so that together they do what one would do alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Batch = TypeVar("Batch")


@dataclass(frozen=True, eq=False)
class Share(Generic[Batch]):
    """A batch that a process takes.

    Attributes:
        batch: what is taken.
        weight: of its loss, 1 but where a step's batches are not a multiple of the processes; then
            some have a batch of weight 0, to keep the others company, and these more than 1.
    """

    batch: Batch
    weight: float


def shares_of(
    batches: Sequence[Batch], process: int, processes: int, accumulation: int
) -> list[Share[Batch]]:
    """One process's part of an epoch: of every so many batches in a row, one.

    A step is the mean over processes of the mean over each one's next ``accumulation`` shares,
    times their weights: the plain mean of the next processes x accumulation batches, or of however
    many are left.

    Args:
        batches: the epoch's, at least one.
        process: whose part, from 0.
        processes: how many there are.
        accumulation: shares that make a step.
    """
    together, found = processes * accumulation, []
    for start in range(0, len(batches), together):
        step = batches[start : start + together]
        rounds = -(-len(step) // processes)
        weight = rounds * processes / len(step)
        for place in range(process, rounds * processes, processes):
            real = place < len(step)
            found.append(Share(step[place if real else -1], weight if real else 0.0))
    return found
