"""One row of a leaderboard: a system, on a split, under a protocol, with its intervals."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeFloat, NonNegativeInt

from gistrec import schema
from gistrec.config.evaluation import EvaluationConfig
from gistrec.evaluation.intervals import bootstrap_users
from gistrec.evaluation.metrics import AUC_POOLED, metric_values, metrics_of
from gistrec.evaluation.strata import strata


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(_Frozen):
    """A metric with its 95% bootstrap interval over users."""

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


class Stratum(_Frozen):
    """The same metrics on a part of the users."""

    n_users: NonNegativeInt
    metrics: dict[str, Metric]


class Measured(_Frozen):
    """What was measured, and at what cost.

    Attributes:
        system: how leaderboards call it.
        dataset: the dataset's name.
        split: the split's kind.
        split_fingerprint: rows with different ones are never shown together.
        seeds: of what was trained.
        seconds: wall time of training and ranking, as the run knows it.
        peak_mib: peak memory, MiB.
    """

    system: str
    dataset: str
    split: str
    split_fingerprint: str
    protocol: Literal["full", "sampled", "cold-full", "cold-sampled"]
    seeds: tuple[int, ...] = ()
    seconds: NonNegativeFloat | None = None
    peak_mib: NonNegativeFloat | None = None


class Row(Measured):
    """A row of a leaderboard.

    Attributes:
        n_users: users who were asked.
        metrics: by name, such as ``HR@5``.
        strata: by what is stratified (``frequency``, ``length``), then by label.
    """

    n_users: NonNegativeInt
    metrics: dict[str, Metric]
    strata: dict[str, dict[str, Stratum]]

    @property
    def key(self) -> tuple[str, str, str, tuple[int, ...]]:
        """What a leaderboard holds once: split, protocol, system, seeds."""
        return self.split_fingerprint, self.protocol, self.system, self.seeds


def make_row(
    ranks: pl.DataFrame, measured: Measured, config: EvaluationConfig | None = None
) -> Row:
    """Summarise a ranks table: every metric with its interval, over all users and by stratum."""
    config = config or EvaluationConfig()
    names = metrics_of(ranks)
    inner = tuple(name for name in names if name != AUC_POOLED)  # pooled is of all users only
    parts: dict[str, dict[str, Stratum]] = {}
    for name, label, rows in strata(ranks):
        metrics = _metrics(rows, inner, config)
        parts.setdefault(name, {})[label] = Stratum(n_users=_users(rows), metrics=metrics)
    return Row(
        **measured.model_dump(),
        n_users=_users(ranks),
        metrics=_metrics(ranks, names, config),
        strata=parts,
    )


def _users(ranks: pl.DataFrame) -> int:
    return ranks[schema.USER_ID].n_unique()


def _metrics(
    ranks: pl.DataFrame, names: tuple[str, ...], config: EvaluationConfig
) -> dict[str, Metric]:
    users, found = ranks[schema.USER_ID], {}
    for name in names:
        values = metric_values(ranks, name).astype(np.float64)
        interval = bootstrap_users(values, users, config.resamples, config.seed)
        found[name] = Metric(**interval._asdict())
    return found
