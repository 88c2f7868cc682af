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
_FEWEST_BINS = 16  # for users asked equally often, however many kinds of these there are
_CONFIDENCE = (0.025, 0.975)


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    value: float
    low: float
    high: float


def bootstrap(values: Values, resamples: int = 1000, seed: int = 0) -> Interval:
    """The mean of ``values`` (float64 [u], one a user) and its 95% percentile interval."""
    return _between(mean(values), _drawn_of_users(values, resamples, seed))


def bootstrap_users(
    values: Values, users: pl.Series, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The mean of ``values`` (float64 [n], one a question) with its interval over ``users``.

    A drawn user brings all its questions, and a draw is worth the sum of all values drawn over
    the number of questions drawn. Where each user is asked once, that is ``bootstrap``.
    """
    return _between(mean(values), drawn_means(values, users, resamples, seed))


def drawn_means(values: Values, users: pl.Series, resamples: int = 1000, seed: int = 0) -> Values:
    """The mean of each draw of users, float64 [resamples]; arguments as ``bootstrap_users``."""
    if users.n_unique() == len(users):
        return _drawn_of_users(values, resamples, seed)
    sums, asked, counts = _user_levels(values, users)
    if len(sums) == 1:
        return np.full(resamples, mean(values))
    rng = np.random.default_rng([seed, _STREAM])
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    least, most = values.min(), values.max()  # beyond which only rounding leads
    means: Values = np.clip((drawn @ sums) / (drawn @ asked), least, most)
    return means


def _drawn_of_users(values: Values, resamples: int, seed: int) -> Values:
    """The mean of each draw of users who are asked once each."""
    centre = mean(values)
    levels, counts = _levels(values)
    if len(levels) == 1:
        return np.full(resamples, centre)
    rng = np.random.default_rng([seed, _STREAM])
    drawn = rng.multinomial(len(values), counts / counts.sum(), size=resamples)
    means: Values = centre + (drawn @ levels - counts @ levels) / len(values)
    return means


def _between(centre: float, means: Values) -> Interval:
    low, high = np.quantile(means, _CONFIDENCE)
    return Interval(centre, float(low), float(high))


def _user_levels(values: Values, users: pl.Series) -> tuple[Values, Values, Values]:
    """Distinct (sum of a user's values, its questions), and how many users have each.

    Where there are more than bins, users asked equally often share one by their sum; a bin stands
    for the mean of its sums, so that all bins together have the exact mean.
    """
    table = pl.DataFrame({"user": users, "value": values})
    each = table.group_by("user").agg(pl.col("value").sort().sum().alias("sum"), asked=pl.len())
    levels = each.group_by("sum", "asked").agg(users=pl.len())
    if len(levels) > _BINS:
        bins = max(_BINS // levels["asked"].n_unique(), _FEWEST_BINS)
        lowest = pl.col("sum").min().over("asked")
        width = (pl.col("sum").max().over("asked") - lowest) / bins
        place = ((pl.col("sum") - lowest) / width).fill_nan(0).floor().clip(0, bins - 1)
        total = (pl.col("sum") * pl.col("users")).sort().sum()
        levels = (
            levels.group_by("asked", place.alias("bin"))
            .agg(pl.col("users").sum(), total.alias("total"))
            .with_columns((pl.col("total") / pl.col("users")).alias("sum"))
        )
    levels = levels.sort("asked", "sum")
    sums, asked, counts = (
        levels[name].cast(pl.Float64).to_numpy() for name in ("sum", "asked", "users")
    )
    return sums, asked, counts


def _levels(values: Values) -> tuple[Values, Values]:
    """Distinct values, or the centres of bins, and how many users have each."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) > _BINS:
        edges = np.linspace(levels[0], levels[-1], _BINS + 1)
        held = np.histogram(values, edges)[0]
        kept = held > 0
        return ((edges[:-1] + edges[1:]) / 2)[kept], held[kept].astype(np.float64)
    return levels, counts.astype(np.float64)
