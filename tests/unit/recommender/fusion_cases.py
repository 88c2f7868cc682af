"""Lists whose first candidate was chosen by known weights."""

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec.recommender.calibration import Calibration, standardised, unweighted_terms, weighted
from gistrec.recommender.scored_lists import ScoredLists, Signals

CANDIDATES = 8


def drawn_signals(n: int, rng: np.random.Generator) -> Signals:
    """Scores of no order; a tenth of the candidates are unknown to the log."""
    counts = rng.geometric(0.1, size=n) * (rng.random(n) > 0.1)
    return Signals(3 * rng.normal(size=n) - 4, 5 * rng.normal(size=n) + 2, counts.astype(np.int64))


def chosen_lists(users: int, weights: npt.NDArray[np.float64], seed: int) -> ScoredLists:
    """Lists of eight, of which one is chosen by a softmax over weighted features, put first."""
    rng = np.random.default_rng(seed)
    signals = drawn_signals(users * CANDIDATES, rng)
    terms = unweighted_terms(signals, by_frequency=len(weights) == 5)
    values = standardised(terms, signals) @ weights + rng.gumbel(size=len(signals))
    grid = np.arange(len(signals)).reshape(users, CANDIDATES)
    best = values.reshape(users, CANDIDATES).argmax(axis=1)
    swapped = grid.copy()
    swapped[:, 0] = grid[np.arange(users), best]
    swapped[np.arange(users), best] = grid[:, 0]
    names = pl.Series([f"u{user}" for user in range(users)])
    offsets = np.arange(users + 1, dtype=np.int64) * CANDIDATES
    return ScoredLists(names, offsets, signals.at(swapped.ravel()))


def calibration(**weights: float) -> Calibration:
    """Weights of features that are not standardised; those not named are 0."""
    nothing = Signals(np.zeros(2), np.zeros(2), np.ones(2, dtype=np.int64))
    terms = unweighted_terms(nothing, by_frequency=False)
    plain = tuple(type(term)(term.name, 0.0, 1.0, 0.0) for term in terms)
    given = np.array([weights.get(term.name, 0.0) for term in plain])
    return Calibration(weighted(plain, given), 1, 1.0, 0.5)
