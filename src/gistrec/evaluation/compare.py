"""Is one system better than another? Paired differences on the same users."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.errors import RunError
from gistrec.evaluation.intervals import Interval, bootstrap_users
from gistrec.evaluation.metrics import Values, metric_values

_KEY = [schema.USER_ID, schema.POSITIVE]


def compare(
    ranks_a: pl.DataFrame | Sequence[pl.DataFrame],
    ranks_b: pl.DataFrame | Sequence[pl.DataFrame],
    metric: str,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The mean of ``metric`` under a less that under b, with its 95% interval over users.

    Each side is one ranks table, or one a seed: then a question's value is its mean over seeds,
    so that the interval speaks of users, not of seeds; it counts as often as it was asked.

    Raises:
        RunError: the two sides were not asked the same questions.
    """
    values, users = paired(ranks_a, ranks_b, metric)
    return bootstrap_users(values, users, resamples, seed)


def paired(
    ranks_a: pl.DataFrame | Sequence[pl.DataFrame],
    ranks_b: pl.DataFrame | Sequence[pl.DataFrame],
    metric: str,
) -> tuple[Values, pl.Series]:
    """Each question's difference, float64 [n], as often as it was asked, and whose it is [n].

    Arguments and faults are those of ``compare``.
    """
    a, b = (question_values(side, metric) for side in (ranks_a, ranks_b))
    both = a.join(b, on=[*_KEY, schema.N_CANDIDATES], how="inner", suffix="_b").sort(_KEY)
    if not len(a) == len(b) == len(both):
        raise RunError(
            f"the systems were not asked the same questions: {len(a)} and {len(b)}, of which "
            f"{len(both)} in common; compare ranks of one split and one protocol"
        )
    if not both["asked"].equals(both["asked_b"]):
        raise RunError("the systems were asked some questions a different number of times")
    return _as_asked(both, both["value"] - both["value_b"])


def over_users(questions: pl.DataFrame, values: pl.Series, resamples: int, seed: int) -> Interval:
    """The mean of ``values``, each as often as its question was asked, with its interval.

    ``questions`` are those of ``question_values``, ``values`` one a question.
    """
    return bootstrap_users(*_as_asked(questions, values), resamples, seed)


def _as_asked(questions: pl.DataFrame, values: pl.Series) -> tuple[Values, pl.Series]:
    """Each question's value as often as it was asked, and its user."""
    asked = questions["asked"].to_numpy()
    every = np.repeat(values.to_numpy().astype(np.float64), asked)
    return every, questions[schema.USER_ID].gather(np.repeat(np.arange(len(questions)), asked))


def question_values(ranks: pl.DataFrame | Sequence[pl.DataFrame], metric: str) -> pl.DataFrame:
    """What each question is worth by ``metric``: its mean over the tables that ask it.

    Returns:
        One row a question: user_id, positive, n_candidates, value, asked (how many times).

    Raises:
        RunError: there are no ranks.
    """
    tables = [ranks] if isinstance(ranks, pl.DataFrame) else list(ranks)
    if not tables or not sum(map(len, tables)):
        raise RunError("a side of the comparison holds no ranks")
    valued = [
        table.select(*_KEY, schema.N_CANDIDATES, pl.Series("value", metric_values(table, metric)))
        for table in tables
    ]
    return (
        pl.concat(valued)
        .group_by(*_KEY, schema.N_CANDIDATES)
        .agg(pl.col("value").sort().mean(), pl.len().alias("asked"))
    )
