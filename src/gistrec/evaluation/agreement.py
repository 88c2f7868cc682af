"""How far two rankings of the same questions agree."""

from typing import NamedTuple

import polars as pl

from gistrec import schema
from gistrec.errors import RunError

_QUESTION = [
    schema.USER_ID,
    schema.POSITIVE,
    schema.HISTORY_LENGTH,
    schema.N_CANDIDATES,
    schema.RETRIEVED,
]


class Agreement(NamedTuple):
    """What the ranks of the positives have in common.

    Attributes:
        questions: how many both were asked whose positive got a score; of the others all ranks
            are equal, whoever scores.
        equal: of how many the ranks are the same.
        mean_gap, largest_gap: in places.
    """

    questions: int
    equal: int
    mean_gap: float
    largest_gap: float


def agreement(ranks_a: pl.DataFrame, ranks_b: pl.DataFrame) -> Agreement:
    """Compare two ranks tables question by question.

    Raises:
        RunError: they are of different questions, or retrieved otherwise.
    """
    sides = [ranks.select(*_QUESTION, schema.RANK).sort(_QUESTION) for ranks in (ranks_a, ranks_b)]
    if not sides[0].select(_QUESTION).equals(sides[1].select(_QUESTION)):
        raise RunError("the two tables are not of the same questions; evaluate both again")
    apart = (sides[0][schema.RANK] - sides[1][schema.RANK]).abs()
    gaps = apart.filter(sides[0][schema.RETRIEVED]).to_numpy()
    if not len(gaps):
        return Agreement(0, 0, 0.0, 0.0)
    return Agreement(len(gaps), int((gaps == 0).sum()), float(gaps.mean()), float(gaps.max()))
