"""Where a positive stands among what it is ranked against: counts of better and equal scores."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.queries import Queries
from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import LongArray


@dataclass(frozen=True)
class Placement:
    """Where the positives of u users stand.

    Attributes:
        better: int64 [u], candidates that score higher.
        ties: int64 [u], OTHER candidates with the same score.
        n_candidates: int64 [u], the positive included.
        retrieved: bool [u], whether the positive had a score at all.
    """

    better: LongArray
    ties: LongArray
    n_candidates: LongArray
    retrieved: npt.NDArray[np.bool_]


def place_first(scores: Scores) -> Placement:
    """Place column 0 of ``scores`` (float32 [u, c]) among the columns."""
    positive, others = scores[:, :1], scores[:, 1:]
    return Placement(
        np.count_nonzero(others > positive, axis=1),
        np.count_nonzero(others == positive, axis=1),
        np.full(len(scores), scores.shape[1], dtype=np.int64),
        np.ones(len(scores), dtype=np.bool_),
    )


def place_in_catalogue(scores: Scores, queries: Queries) -> Placement:
    """Place the positives among the pool less each user's history; a positive always takes part.

    ``scores`` is float32 [u, n_items]. Items that the ranker left UNRANKED stand behind all
    others and tie with one another.
    """
    pool, positives = queries.pool, queries.positives
    own = scores[np.arange(len(scores)), positives]
    in_pool = pool[positives].astype(np.int64)
    higher, equal = scores > own[:, None], scores == own[:, None]
    if not pool.all():
        higher, equal = higher[:, pool], equal[:, pool]
    rows, codes = _known_rivals(queries)
    known, bar = scores[rows, codes], own[rows]
    less = [np.bincount(rows[m], minlength=len(own)) for m in (known > bar, known == bar)]
    return Placement(
        np.count_nonzero(higher, axis=1) - less[0],
        np.count_nonzero(equal, axis=1) - in_pool - less[1],
        np.count_nonzero(pool) - in_pool + 1 - np.bincount(rows, minlength=len(own)),
        own != UNRANKED,
    )


def _known_rivals(queries: Queries) -> tuple[LongArray, LongArray]:
    """Rows and codes (int64 [m] each) of the history's items in the pool, once a user."""
    n_items = len(queries.pool)
    keys = np.unique(queries.histories.rows() * n_items + queries.histories.items)
    rows, codes = keys // n_items, keys % n_items
    rival = queries.pool[codes] & (codes != queries.positives[rows])
    return rows[rival], codes[rival]
