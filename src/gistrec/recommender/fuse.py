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
    Signals,
    retrieved_lists,
    sampled_lists,
)

FEWEST = 20  # lists of a kind; five weights fitted on fewer would be noise


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
    """The calibration of each kind of list; None where there are too few lists to fit one on.

    Attributes:
        sampled: of sampled candidates.
        full: of what is retrieved of the whole catalogue.
    """

    sampled: Calibration | None
    full: Calibration | None

    def of_sampled(self, signals: Signals) -> Floats:
        """Float64 [n], the fused scores of sampled candidates."""
        return _value(self.sampled, signals)

    def of_catalogue(self, signals: Signals) -> Floats:
        """Float64 [n], the fused scores of what was retrieved of the whole catalogue."""
        return _value(self.full, signals)

    def told(self, lists: FusionLists) -> list[str]:
        """Both calibrations, a line each; ``lists`` are those it was fitted on."""
        return [
            f"sampled candidates: {_told(self.sampled, lists.sampled, 'validation users')}",
            f"whole catalogue: {_told(self.full, lists.full, 'retrieved positives')}",
        ]


def _value(calibration: Calibration | None, signals: Signals) -> Floats:
    return calibration.value(signals) if calibration else signals.logit


def _told(calibration: Calibration | None, lists: ScoredLists, counted: str) -> str:
    if calibration:
        return calibration.told()
    return (
        f"NOT FITTED, the score is the model's logit alone: {len(lists)} {counted}, "
        f"of which weights need {FEWEST}"
    )


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
    """The calibration of each kind of list of which there are enough.

    Raises:
        RunError: there is no validation user.
    """
    if not len(lists.sampled):
        raise RunError(
            "there is no validation user to fit the fusion on: set fusion.on=false, or let the "
            "split hold validation users"
        )
    sampled, full = (
        fit_calibration(each, config) if len(each) >= FEWEST else None
        for each in (lists.sampled, lists.full)
    )
    return Fusion(sampled, full)


def fit_calibration(lists: ScoredLists, config: FusionConfig) -> Calibration:
    """The weights under which the first of each of one or more lists is likeliest to be chosen."""
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
