"""From moments in users' logs to questions with candidates."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.holdout import NONE
from gistrec.data.negatives import draw_negatives
from gistrec.data.queries import Queries
from gistrec.data.sequences import LongArray, Sequences

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rivals:
    """What positives are ranked among.

    Attributes:
        sampled: bool [n_items], what negatives are drawn from.
        pool: bool [n_items], what full ranking ranks among.
        negatives: how many are drawn for each positive.
    """

    sampled: Mask
    pool: Mask
    negatives: int


def users_to_ask(moments: LongArray, most: int | None, rng: np.random.Generator) -> LongArray:
    """Users (int64 [m], ascending) that have a moment, at most so many, drawn at random.

    ``moments`` is int64 [u]: a position in each user's sequence, or NONE.
    """
    users = np.flatnonzero(moments != NONE)
    if most is None or len(users) <= most:
        return users
    return np.sort(rng.choice(users, size=most, replace=False))


def questions(
    log: Sequences,
    users: LongArray,
    moments: LongArray,
    rivals: Rivals,
    rng: np.random.Generator,
) -> Queries:
    """Ask ``users`` (int64 [m]) what stands at their ``moments`` (int64 [u], by user).

    Raises:
        DataError: a user left too few items untouched to draw negatives from.
    """
    places = moments[users]
    positives = log.items[log.offsets[users] + places]
    # Negatives were never touched: what the user chose later must not count as wrong.
    drawn = draw_negatives(log.take(users), rivals.sampled, rivals.negatives, rng)
    return Queries(
        histories=log.prefixes(users, places),
        positives=positives,
        candidates=np.concatenate([positives[:, None], drawn], axis=1),
        pool=rivals.pool,
    )
