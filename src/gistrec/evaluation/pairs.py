"""Which systems can be told apart: every pair, paired by user, corrected for how many there are."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from gistrec.errors import RunError
from gistrec.evaluation.compare import paired
from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.intervals import Interval
from gistrec.evaluation.metrics import Values, mean
from gistrec.evaluation.row import Metric
from gistrec.progress import track

SURE = 0.05
# The smallest p is 2 over so many draws, and Holm multiplies it by the number of pairs: with few
# draws no difference among many systems, however large, would be told.
_RESAMPLES, _A_PAIR = 10_000, 200
_CONFIDENCE = (0.025, 0.975)
_STREAM = 5419  # keeps these draws apart from every other use of the same seed
_AT_ONCE = 500  # draws: bounds the memory


class Pair(BaseModel):
    """Two systems by one metric.

    Attributes:
        better, worse: the one with the higher mean, and the other.
        difference: of their means, 0 or more, with its 95% interval over users.
        p: two-sided, by the bootstrap: how readily a draw of users turns the difference around.
        p_holm: the same after Holm's correction for all pairs that were compared.
        effect: the difference over the standard deviation of the questions' differences (Cohen's d
            of paired values); 0 where nothing differs.
        wins, losses: shares of the questions that the better one answers better, and worse.
        questions: how many were asked of both, under all seeds.
    """

    model_config = ConfigDict(frozen=True)

    better: str
    worse: str
    metric: str
    difference: Metric
    p: float
    p_holm: float
    effect: float
    wins: float
    losses: float
    questions: int

    @property
    def told_apart(self) -> bool:
        """Whether the difference is larger than chance in who was asked explains."""
        return self.p_holm < SURE

    def told(self) -> str:
        """What was found, in a sentence."""
        # Points are hundredths of the metric.
        low, high = (100 * value for value in (self.difference.low, self.difference.high))
        points = f"{100 * self.difference.value:.1f} points {self.metric}"
        interval = f"95% interval {low:.1f} to {high:.1f}"
        if self.told_apart:
            return f"{self.better} beats {self.worse} by {points}, {interval}"
        told = f"{self.better} and {self.worse} cannot be told apart: {points}, {interval}"
        # Such an interval alone would say that they can.
        return f"{told}, too little among so many pairs" if low > 0 else told


def all_pairs(
    systems: Sequence[Contestant],
    metric: str,
    resamples: int | None = None,
    seed: int = 0,
    against: str | None = None,
) -> list[Pair]:
    """Every pair of ``systems``, in their order; a question is worth its mean over seeds.

    Args:
        systems: asked the same questions.
        metric: as ``gistrec.evaluation.metrics.metric_values`` names them.
        resamples: draws of users, the smallest p is 2 over so many and one; None for 10,000, or as
            many as so many pairs need.
        seed: of the draws.
        against: only pairs with the system of this name, and corrected for these alone.

    Raises:
        RunError: the metric is unknown, systems were not asked the same questions, there are fewer
            than two, or none of that name.
    """
    names = [system.name for system in systems]
    if against is not None and against not in names:
        raise RunError(f"there is no system {against!r}; there are {', '.join(names)}")
    if len(systems) < 2:
        raise RunError(f"{', '.join(names)} is alone: name a folder with another system")
    every = [
        (one, other)
        for one, other in combinations(systems, 2)
        if against in (None, one.name, other.name)
    ]
    resamples = resamples or max(_RESAMPLES, _A_PAIR * len(every))
    valued = [paired(one.ranks, other.ranks, metric) for one, other in every]
    draws = _drawn(valued, resamples, seed)
    found = [
        _pair(one, other, metric, values, drawn)
        for (one, other), (values, _), drawn in zip(every, valued, draws, strict=True)
    ]
    corrected = holm([pair.p for pair in found])
    return [
        pair.model_copy(update={"p_holm": value})
        for pair, value in zip(found, corrected, strict=True)
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction of n p-values, in their order (Holm 1979)."""
    corrected, least = [0.0] * len(p), 0.0
    for place, number in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - place) * p[number]))
        corrected[number] = least
    return corrected


def _drawn(valued: Sequence[tuple[Values, pl.Series]], resamples: int, seed: int) -> list[Values]:
    """The mean of each draw of users for every pair, float64 [resamples] each.

    All pairs were asked the same questions, so that one draw of users serves them all.

    Args:
        valued: of each pair the questions' differences and their users.
        resamples: draws.
        seed: of the draws.
    """
    users = valued[0][1].rank("dense").to_numpy().astype(np.int64) - 1
    asked = np.bincount(users).astype(np.float64)
    sums = np.stack([np.bincount(users, weights=values) for values, _ in valued], axis=1)
    rng, found = np.random.default_rng([seed, _STREAM]), []
    share = np.full(len(asked), 1 / len(asked))
    for start in track(range(0, resamples, _AT_ONCE), "comparing systems"):
        size = min(_AT_ONCE, resamples - start)
        weights = rng.multinomial(len(asked), share, size=size).astype(np.float64)
        found.append(weights @ sums / (weights @ asked)[:, None])
    means = np.concatenate(found)
    # Beyond the least and the most only rounding leads.
    return [
        np.clip(means[:, at], values.min(), values.max()) for at, (values, _) in enumerate(valued)
    ]


def _pair(one: Contestant, other: Contestant, metric: str, values: Values, draws: Values) -> Pair:
    better, worse = one.name, other.name
    if mean(values) < 0:
        values, draws, better, worse = -values, -draws, other.name, one.name
    low, high = np.quantile(draws, _CONFIDENCE)
    spread = float(values.std())
    return Pair(
        better=better,
        worse=worse,
        metric=metric,
        difference=Metric(**Interval(mean(values), float(low), float(high))._asdict()),
        p=_two_sided(draws),
        p_holm=1.0,
        effect=mean(values) / spread if spread else 0.0,
        wins=float((values > 0).mean()),
        losses=float((values < 0).mean()),
        questions=len(values),
    )


def _two_sided(draws: Values) -> float:
    """Twice the share of draws on the rarer side of no difference; never quite 0."""
    rarer = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(draws) + 1)))
