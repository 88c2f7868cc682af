"""Fusion of the language model with what the log says, fitted on validation users.

A conditional logit (McFadden 1974): the chance that a user chooses a candidate is a softmax, over
the user's candidates, of a weighted sum of standardised features. The weights make the choices of
validation users likeliest, less an L2 penalty; the problem is convex and small, and its solution
the same each time.

Sampled candidates are easy to tell apart and retrieved ones are not, so each kind of list has a
calibration of its own.
"""

from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from gistrec.config.fusion import FusionConfig
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker
from gistrec.errors import RunError
from gistrec.files import read_json, write_json
from gistrec.recommender.calibration import Calibration, standardised, unweighted_terms, weighted
from gistrec.recommender.scored_lists import (
    Floats,
    ScoredLists,
    retrieved_lists,
    sampled_lists,
)

_FEWEST = 10  # retrieved positives; five weights fitted on fewer would be noise


@dataclass(frozen=True)
class FusionLists:
    """What a fusion is fitted on: validation questions, scored.

    Attributes:
        sampled: the sampled candidates of every question.
        full: what is retrieved of the whole catalogue, where the positive is in it.
    """

    sampled: ScoredLists
    full: ScoredLists


@dataclass(frozen=True)
class Fusion:
    """The calibration of each kind of list.

    Attributes:
        sampled: of sampled candidates.
        full: of what is retrieved of the whole catalogue; None where too few positives were
            retrieved, then `sampled` stands in.
    """

    sampled: Calibration
    full: Calibration | None

    @property
    def catalogue(self) -> Calibration:
        """What ranks the whole catalogue."""
        return self.full or self.sampled

    def told(self) -> list[str]:
        """Both calibrations, a line each."""
        full = (
            self.full.told()
            if self.full
            else "too few positives were retrieved to fit one; that of sampled candidates is used"
        )
        return [f"sampled candidates: {self.sampled.told()}", f"whole catalogue: {full}"]


_FUSION = TypeAdapter(Fusion)


def lists_to_fuse(
    model: Ranker, encoder: Ranker, questions: Queries, train_counts: npt.NDArray[np.integer]
) -> FusionLists:
    """Score validation questions as they will be asked.

    Args:
        model: the language model; over the whole catalogue it scores what was retrieved.
        encoder: the sequence encoder.
        questions: of validation users, at most ``FusionConfig.users``.
        train_counts: int [n_items], how often each item occurs in the training log.
    """
    return FusionLists(
        sampled_lists(model, encoder, questions, train_counts),
        retrieved_lists(model, encoder, questions, train_counts),
    )


def fit_fusion(lists: FusionLists, config: FusionConfig) -> Fusion:
    """The calibration of each kind of list.

    Raises:
        RunError: there is no validation user.
    """
    enough = len(lists.full) >= _FEWEST
    return Fusion(
        fit_calibration(lists.sampled, config),
        fit_calibration(lists.full, config) if enough else None,
    )


def fit_calibration(lists: ScoredLists, config: FusionConfig) -> Calibration:
    """The weights under which the first of each list is likeliest to be chosen.

    Raises:
        RunError: there is no list.
    """
    if not len(lists):
        raise RunError(
            "there is no validation user to fit the fusion on: set fusion.on=false, or let the "
            "split hold validation users"
        )
    terms = unweighted_terms(lists.signals, config.by_frequency)
    features = standardised(terms, lists.signals)
    weights = likeliest_weights(features, lists.offsets, config.l2 / len(lists))
    chosen = log_likelihoods(features @ weights, lists.offsets)
    lengths = np.diff(lists.offsets)
    return Calibration(
        weighted(terms, weights),
        len(lists),
        float(np.exp(chosen.mean())),
        float(np.exp(-np.log(lengths).mean())),
    )


def likeliest_weights(features: Floats, offsets: npt.NDArray[np.int64], l2: float) -> Floats:
    """Float64 [f]: the weights of least mean -log p(first of its list) + l2 / 2 |weights|^2.

    Args:
        features: float64 [n, f].
        offsets: int64 [u + 1], where each list begins.
        l2: penalty.
    """
    from scipy.optimize import minimize

    starts, lengths = offsets[:-1], np.diff(offsets)

    def loss(weights: Floats) -> tuple[float, Floats]:
        values = features @ weights
        chosen = log_likelihoods(values, offsets)
        chances = np.exp(values - np.repeat(values[starts] - chosen, lengths))
        slope = features[starts].sum(axis=0) - chances @ features
        least = -chosen.mean() + l2 / 2 * weights @ weights
        return float(least), l2 * weights - slope / len(starts)

    start = np.zeros(features.shape[1])
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-7}
    )
    return np.asarray(found.x, dtype=np.float64)


def log_likelihoods(values: Floats, offsets: npt.NDArray[np.int64]) -> Floats:
    """Float64 [u]: log p of the first of each list, by a softmax over the list's ``values``."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    highest = np.maximum.reduceat(values, starts)
    shares = np.exp(values - np.repeat(highest, lengths))
    whole: Floats = np.log(np.add.reduceat(shares, starts)) + highest
    return values[starts] - whole


def save_fusion(fusion: Fusion, file: Path) -> None:
    """Write both calibrations as JSON, atomically."""
    write_json(file, _FUSION.dump_python(fusion, mode="json"))


def load_fusion(file: Path) -> Fusion:
    """Read what ``save_fusion`` wrote.

    Raises:
        RunError: the file is absent or is none.
    """
    try:
        return _FUSION.validate_python(read_json(file))
    except (OSError, UnicodeDecodeError, JSONDecodeError, ValidationError) as error:
        message = f"{file} is absent or damaged: delete {file.parent} and run again"
        raise RunError(message) from error
