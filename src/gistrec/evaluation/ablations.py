"""Rows that compare variants of a system with the system itself, over one seed or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from gistrec import schema
from gistrec.config.evaluation import EvaluationConfig
from gistrec.evaluation.compare import compare, over_users, question_values
from gistrec.evaluation.metrics import mean, metric_values, metrics_of
from gistrec.evaluation.row import Metric
from gistrec.files import read_json, write_json

ABLATIONS_FILE, ABLATIONS_PICTURE = "ablations.json", "ablations.png"
HOW = (
    "A figure is the mean over all questions of all seeds, a difference that of variant less full, "
    "question by question under the same seed. Intervals are 95% percentile bootstraps over users: "
    "users are drawn with replacement, each with all the questions it was asked under any seed, "
    "and a draw is worth the mean over all questions drawn. They hold the chance in who was asked; "
    "how far seeds lie apart is told by the values of each seed."
)


class AblationRow(BaseModel):
    """One variant under one protocol.

    Attributes:
        variant: its name; `full` for the system itself.
        group: `ablation`, `systems`, or the key that a sweep varies.
        value: what a sweep gives the key, as JSON; else empty.
        system: how the leaderboard calls what is measured.
        protocol: what each positive is ranked among.
        overrides: what is changed.
        same_as_full: nothing is changed by that, so the full system's ranks stand here.
        seeds: of what was trained.
        seconds: that made the variant, those of stages taken over included, over all seeds.
        n_users: users who were asked, under any seed.
        metrics: by name.
        difference: to the full system; positive where the variant is better. Empty in its own row.
        by_seed: each metric's value under each seed, where there are several.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    group: str
    value: str
    system: str
    protocol: str
    overrides: tuple[str, ...]
    same_as_full: bool
    seeds: tuple[int, ...]
    seconds: NonNegativeFloat
    n_users: NonNegativeInt
    metrics: dict[str, Metric]
    difference: dict[str, Metric]
    by_seed: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Measured:
    """Ranks of one system under one protocol, one table a seed."""

    ranks: Sequence[pl.DataFrame]

    def metrics(self, config: EvaluationConfig) -> dict[str, Metric]:
        """Every metric with its interval."""
        found = {}
        for name in self.names():
            values = question_values(self.ranks, name).sort(schema.USER_ID, schema.POSITIVE)
            interval = over_users(values, values["value"], config.resamples, config.seed)
            found[name] = Metric(**interval._asdict())
        return found

    def less(self, full: "Measured", config: EvaluationConfig) -> dict[str, Metric]:
        """Every metric's difference to ``full`` with its paired interval."""
        return {
            name: Metric(
                **compare(self.ranks, full.ranks, name, config.resamples, config.seed)._asdict()
            )
            for name in self.names()
        }

    def by_seed(self) -> dict[str, tuple[float, ...]]:
        """Every metric under each seed; nothing where there is one."""
        if len(self.ranks) < 2:
            return {}
        return {
            name: tuple(mean(metric_values(table, name).astype(np.float64)) for table in self.ranks)
            for name in self.names()
        }

    def n_users(self) -> int:
        """Users who were asked, under any seed."""
        return int(pl.concat([table[schema.USER_ID] for table in self.ranks]).n_unique())

    def names(self) -> tuple[str, ...]:
        """The metrics that the tables have values for."""
        return metrics_of(self.ranks[0])


class _File(BaseModel):
    """What ``ablations.json`` holds; ``of`` stands for the full system that rows compare with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: str
    of: str
    rows: tuple[AblationRow, ...]


def add_ablations(
    rows: Sequence[AblationRow], run: Path, of: str
) -> tuple[Path, list[AblationRow]]:
    """Add rows to ``ablations.json`` of a folder, atomically; a row of the same kind is replaced.

    Rows that compare with another full system than ``of`` says go.

    Returns:
        The file, and all rows in it.
    """
    target = run / ABLATIONS_FILE
    found = _file_in(run)
    there = found.rows if found is not None and found.of == of else ()
    every = list({(row.group, row.variant, row.protocol): row for row in (*there, *rows)}.values())
    write_json(target, _File(how=HOW, of=of, rows=tuple(every)).model_dump(mode="json"))
    return target, every


def read_ablations(run: Path) -> tuple[AblationRow, ...]:
    """The rows of ``ablations.json`` of a folder; none where it has no such file to be read."""
    found = _file_in(run)
    return () if found is None else found.rows


def noted_mark(run: Path) -> str:
    """Which full system the comparisons of a folder are with; empty where there are none."""
    found = _file_in(run)
    return "" if found is None else found.of


def forget_ablations(run: Path) -> None:
    """Remove ``ablations.json`` of a folder and its pictures."""
    for file in (run / ABLATIONS_FILE, run / ABLATIONS_PICTURE, *run.glob(sweep_picture("*"))):
        file.unlink(missing_ok=True)


def sweep_picture(key: str) -> str:
    """The name of the picture of a sweep over ``key``."""
    return f"sweep-{key}.png"


def _file_in(run: Path) -> _File | None:
    try:
        return _File.model_validate(read_json(run / ABLATIONS_FILE))
    except (OSError, UnicodeDecodeError, JSONDecodeError, ValidationError):
        return None  # absent, or not to be read: what is there can be measured again
