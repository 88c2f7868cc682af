"""How much the model's logit, the encoder's score and popularity count where they are joined."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gistrec.recommender.scored_lists import Floats, Signals

TermName = Literal["logit", "encoder", "popularity", "unknown", "logit x rarity"]
_PLAIN: tuple[TermName, ...] = ("logit", "encoder", "popularity", "unknown")
_OF_THE_LOG: tuple[TermName, ...] = ("encoder", "popularity")
_LEAST_SCALE = 1e-9


@dataclass(frozen=True)
class Term:
    """One feature of a candidate, standardised as (value - centre) / scale, and its weight.

    Attributes:
        name: `logit`, the language model's; `encoder`, the sequence encoder's score; `popularity`,
            log(1 + training count); `unknown`, 1 where the training log does not hold the
            candidate, so that the encoder's score and popularity say nothing and count as their
            means; it stays 0 or 1, since validation lists may hold few such; `logit x
            rarity`, the standardised logit over 1 + log(1 + training count).
    """

    name: TermName
    centre: float
    scale: float
    weight: float


@dataclass(frozen=True)
class Calibration:
    """A weighted sum of standardised features, in the order in which they build on one another.

    Attributes:
        terms: the features; `logit x rarity` stands after `logit`.
        users: whose choices it is fitted on.
        likelihood: of a choice among its candidates, the geometric mean over these users.
        chance: the same of a blind guess.
    """

    terms: tuple[Term, ...]
    users: int
    likelihood: float
    chance: float

    def value(self, signals: Signals) -> Floats:
        """The fused score of each candidate, float64 [n]."""
        total: Floats = standardised(self.terms, signals) @ np.array(
            [term.weight for term in self.terms]
        )
        return total

    def told(self) -> str:
        """The weights, for a person."""
        weights = ", ".join(f"{term.name} {term.weight:+.2f}" for term in self.terms)
        return (
            f"{weights} (of standardised features, fitted on {self.users:,} users; likelihood of "
            f"a choice {self.likelihood:.3f}, by chance {self.chance:.3f})"
        )


def unweighted_terms(signals: Signals, by_frequency: bool) -> tuple[Term, ...]:
    """The terms whose centres and scales are those of ``signals``, all weights 0."""
    terms: tuple[Term, ...] = ()
    names: tuple[TermName, ...] = (*_PLAIN, "logit x rarity") if by_frequency else _PLAIN
    for name in names:
        values = _raw(name, signals, terms)
        if name in _OF_THE_LOG:
            values = values[signals.counts > 0]
        centre, scale = 0.0, 1.0
        if name != "unknown" and len(values):
            centre, scale = float(values.mean()), float(values.std())
        terms = (*terms, Term(name, centre, scale if scale > _LEAST_SCALE else 1.0, 0.0))
    return terms


def weighted(terms: tuple[Term, ...], weights: Floats) -> tuple[Term, ...]:
    """The same terms with these weights (float64 [terms])."""
    return tuple(
        replace(term, weight=float(weight)) for term, weight in zip(terms, weights, strict=True)
    )


def standardised(terms: tuple[Term, ...], signals: Signals) -> Floats:
    """Float64 [n, terms], every feature less its centre over its scale."""
    columns = []
    for term in terms:
        column = (_raw(term.name, signals, terms) - term.centre) / term.scale
        if term.name in _OF_THE_LOG:
            column = np.where(signals.counts > 0, column, 0.0)
        columns.append(column)
    return np.stack(columns, axis=1)


def _raw(name: TermName, signals: Signals, terms: tuple[Term, ...]) -> Floats:
    match name:
        case "logit":
            return signals.logit
        case "encoder":
            return signals.encoder
        case "popularity":
            return np.log1p(signals.counts)
        case "unknown":
            return (signals.counts == 0).astype(np.float64)
        case "logit x rarity":
            logit = next(term for term in terms if term.name == "logit")
            return (signals.logit - logit.centre) / logit.scale / (1 + np.log1p(signals.counts))
