"""Runs and contents of reports, made by hand."""

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
from evaluation_cases import make_ranks

from gistrec.config.evaluation import EvaluationConfig
from gistrec.evaluation.leaderboard import save_leaderboard
from gistrec.evaluation.ranks import save_ranks
from gistrec.evaluation.report.board import boards
from gistrec.evaluation.report.content import Content, Heading
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.row import Measured, Row, make_row

USERS = 40
# Items ahead of the positive, on average.
LEVELS = {"oracle": 0, "popularity": 9, "itemknn": 6, "mmsrarec": 3, "mmsrarec+fusion": 2}
OWN = Entrants(("mmsrarec", "mmsrarec+fusion"))


def ranks(level: int, seed: int = 0, n_candidates: int = 21) -> pl.DataFrame:
    """Ranks of ``USERS`` users around ``level`` items ahead of the positive."""
    rng = np.random.default_rng([seed, level])
    ahead = np.clip(level + rng.integers(-2, 3, USERS), 0, n_candidates - 1)
    return make_ranks(ahead.tolist(), n_candidates=n_candidates)


def row(system: str, table: pl.DataFrame, protocol: str = "sampled", **more: object) -> Row:
    """A leaderboard's row of a table of ranks."""
    told = {"dataset": "shop", "split": "users", "split_fingerprint": "f", "seconds": 2.0}
    measured = Measured.model_validate(
        {"system": system, "protocol": protocol, "peak_mib": 512.0, **told, **more}
    )
    return make_row(table, measured, EvaluationConfig(resamples=20))


def rows(protocols: Sequence[str] = ("full", "sampled")) -> list[Row]:
    """All of ``LEVELS`` by each protocol."""
    return [
        row(system, ranks(level), protocol)
        for protocol in protocols
        for system, level in LEVELS.items()
    ]


def write_run(folder: Path, levels: dict[str, int] = LEVELS, seed: int = 0) -> Path:
    """A run folder with its leaderboard and ranks alone."""
    tables = {system: ranks(level, seed) for system, level in levels.items()}
    for system, table in tables.items():
        save_ranks(table, folder, system, "sampled")
    save_leaderboard([row(system, table) for system, table in tables.items()], folder)
    return folder


def content(**parts: object) -> Content:
    """A report of a leaderboard and nothing else, with these parts in their places."""
    bare = Content(
        heading=Heading("mmsrarec", "shop", "users (f)", "2026-01-31"),
        glances=(),
        boards=boards(rows(), OWN),
        told_apart=(),
        strata=(),
        costs=(),
        courses=(),
        variants=(),
        galleries=(),
        dataset=None,
        runs=(),
        qualities=(),
    )
    return replace(bare, **parts)


class Tags(HTMLParser):
    """A page taken apart.

    Attributes:
        found: (tag, its attributes), in order.
        text: all between them.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, *names: str) -> list[str]:
        """Of all attributes of these names."""
        return [given[name] or "" for _, given in self.found for name in names if name in given]

    def count(self, tag: str) -> int:
        """How often a tag stands in the page."""
        return sum(found == tag for found, _ in self.found)
