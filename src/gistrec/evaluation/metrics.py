"""HR, NDCG, MRR and AUC from where the positives stood.

Ties count as the expectation over random order, in closed form: a scorer that gives every
candidate the same score gets exactly what chance gets.
"""

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec import schema
from gistrec.data.sequences import LongArray
from gistrec.errors import RunError

Values = npt.NDArray[np.float64]

AUC = "AUC"
AUC_POOLED = "AUC pooled"
RECALL = "candidate recall"
_KINDS = ("HR", "NDCG", "MRR")
RANK_METRICS = tuple(f"{kind}@{k}" for kind in _KINDS for k in schema.CUTOFFS)


def metric_values(ranks: pl.DataFrame, metric: str) -> Values:
    """One value a row of a ranks table, float64 [u]; their mean is the metric.

    ``metric`` is ``HR@k``, ``NDCG@k``, ``MRR@k`` for any k, ``AUC`` (mean over users),
    ``AUC pooled`` (over all pairs; sampled protocols only) or ``candidate recall``.

    Raises:
        RunError: the metric is unknown, or the table has no values for it.
    """
    columns = {AUC: schema.AUC, AUC_POOLED: schema.AUC_POOLED, RECALL: schema.RETRIEVED}
    if metric in columns:
        values = ranks[columns[metric]].cast(pl.Float64)
        if values.null_count():
            raise RunError(f"{metric} is not known for this protocol; pooled AUC needs sampling")
        return values.to_numpy()
    kind, _, k = metric.partition("@")
    if kind not in _KINDS or not k.isdecimal() or int(k) < 1:
        known = ", ".join((*RANK_METRICS, *columns))
        raise RunError(f"metric {metric!r} is unknown; choose from {known}")
    ties = ranks[schema.TIES].to_numpy()
    better = np.rint(ranks[schema.RANK].to_numpy() - 1 - ties / 2).astype(np.int64)
    return expected_gain(better, ties, gains(kind, int(k)))


def metrics_of(ranks: pl.DataFrame) -> tuple[str, ...]:
    """The metrics that a ranks table has values for, in the order in which they are shown."""
    sampled = ranks[schema.AUC_POOLED].null_count() == 0
    return (*RANK_METRICS, AUC, AUC_POOLED if sampled else RECALL)


def gains(kind: str, k: int) -> Values:
    """float64 [k], what a positive at position 1..k is worth to the metric; beyond k nothing."""
    position = np.arange(1, k + 1, dtype=np.float64)
    match kind:
        case "HR":
            return np.ones(k)
        case "NDCG":
            return 1 / np.log2(position + 1)
        case _:
            return 1 / position


def expected_gain(better: LongArray, ties: LongArray, gain: Values) -> Values:
    """The mean of ``gain`` over positions better + 1 ... better + 1 + ties, float64 [u]."""
    k = len(gain)
    total = np.concatenate([[0.0], np.cumsum(gain)])
    # Without ties the gain itself is taken: a difference of sums would carry their rounding.
    alone = np.append(gain, 0.0)[np.minimum(better, k)]
    spread = total[np.minimum(better + ties + 1, k)] - total[np.minimum(better, k)]
    return np.where(ties == 0, alone, spread / (ties + 1))


def mean(values: Values) -> float:
    """The mean, the same in every digit for every order of the values."""
    return math.fsum(values) / len(values)
