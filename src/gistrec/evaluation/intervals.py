"""95% percentile bootstrap intervals over users.

Resampling u users with replacement draws, for every distinct value, how often it occurs from a
multinomial; so only distinct values are resampled, and a million users cost what a thousand do.
Values with more than a thousand levels are put into that many bins first; the bins' loss is
about one millionth of the variance, and the interval is placed around the exact mean.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from gistrec.evaluation.metrics import Values, mean

_STREAM = 4801  # keeps these draws apart from every other use of the same seed
_BINS = 1024
_CONFIDENCE = (0.025, 0.975)


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    value: float
    low: float
    high: float


def bootstrap(values: Values, resamples: int = 1000, seed: int = 0) -> Interval:
    """The mean of ``values`` (float64 [u], one a user) and its 95% percentile interval."""
    centre = mean(values)
    levels, counts = _levels(values)
    if len(levels) == 1:
        return Interval(centre, centre, centre)
    rng = np.random.default_rng([seed, _STREAM])
    drawn = rng.multinomial(len(values), counts / counts.sum(), size=resamples)
    drift = (drawn @ levels - counts @ levels) / len(values)
    low, high = np.quantile(drift, _CONFIDENCE)
    return Interval(centre, centre + float(low), centre + float(high))


def by_user(values: Values, users: pl.Series) -> Values:
    """One value a user with the same mean, for users who are asked more than once.

    A user's value is the mean plus the sum of its deviations, scaled by users over questions: to
    first order, resampling these is resampling users with all their questions.
    """
    if users.n_unique() == len(users):
        return values
    centre = mean(values)
    table = pl.DataFrame({"user": users, "off": values - centre})
    off = table.group_by("user").agg(pl.col("off").sort().sum())["off"].to_numpy()
    return centre + off * (len(off) / len(values))


def _levels(values: Values) -> tuple[Values, Values]:
    """Distinct values, or the centres of bins, and how many users have each."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) > _BINS:
        edges = np.linspace(levels[0], levels[-1], _BINS + 1)
        held = np.histogram(values, edges)[0]
        kept = held > 0
        return ((edges[:-1] + edges[1:]) / 2)[kept], held[kept].astype(np.float64)
    return levels, counts.astype(np.float64)
