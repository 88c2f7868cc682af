"""How long do metrics over many users take, and does full ranking stay flat in memory?

    python benchmarks/metrics.py [--users 1000000]

Writes benchmarks/results/metrics.json: a list of {question, value, unit, limit, met, conditions}.
"""

import argparse
import json
import multiprocessing
import os
import platform
import time
from pathlib import Path

import numpy as np
import polars as pl

from gistrec.config.evaluation import EvaluationConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.evaluation.metrics import mean, metric_values, metrics_of
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.row import Measured, make_row
from gistrec.pipeline.memory import forget_peak, peak_mib

RESULT = Path(__file__).parent / "results" / "metrics.json"
SECONDS_LIMIT = 10.0
GROWTH_LIMIT_MIB = 150.0


class Given:
    """A ranker that costs next to nothing, so that the clock sees the evaluation."""

    name = "given"

    def __init__(self, n_items: int) -> None:
        self.scores = np.random.default_rng(1).normal(size=n_items).astype(np.float32)

    def score(self, histories: Sequences, candidates: np.ndarray | None) -> np.ndarray:
        if candidates is not None:
            return self.scores[candidates]
        return np.tile(self.scores, (len(histories), 1))


def make_queries(users: int, n_items: int, candidates: int = 21, history: int = 8) -> Queries:
    rng = np.random.default_rng(0)
    asked = rng.integers(0, n_items, (users, candidates), dtype=np.int32)
    histories = Sequences(
        pl.Series(np.arange(users)).cast(pl.String),
        np.arange(users + 1, dtype=np.int64) * history,
        rng.integers(0, n_items, users * history, dtype=np.int32),
        np.zeros(users * history, dtype=np.int64),
    )
    return Queries(histories, asked[:, 0].copy(), asked, np.ones(n_items, dtype=np.bool_))


def rank(queries: Queries, protocol: str) -> pl.DataFrame:
    n_items = len(queries.pool)
    ids = pl.Series(np.arange(n_items)).cast(pl.String)
    return rank_queries(Given(n_items), queries, protocol, ids, np.arange(n_items) % 90)


def sampled(users: int) -> list[dict]:
    """Time every metric from scores, then the whole row with intervals and strata."""
    conditions = {"users": users, "candidates": 21, "items": 10_000}
    queries = make_queries(users, 10_000)
    start = time.perf_counter()
    ranks = rank(queries, "sampled")
    ranked = time.perf_counter()
    for name in metrics_of(ranks):
        mean(metric_values(ranks, name))
    measured = time.perf_counter()
    about = Measured(
        system="given", dataset="x", split="users", split_fingerprint="x", protocol="sampled"
    )
    make_row(ranks, about, EvaluationConfig())
    rowed = time.perf_counter()
    return [
        entry("ranks and all metrics from scores", measured - start, SECONDS_LIMIT, conditions),
        entry("of which ranks", ranked - start, None, conditions),
        entry("of which metrics", measured - ranked, None, conditions),
        entry("a leaderboard row: intervals and strata", rowed - measured, None, conditions),
    ]


def peak_of_full(users: int, n_items: int) -> tuple[float, float]:
    """Seconds, and MiB by which the peak grew while ranking the full catalogue."""
    queries = make_queries(users, n_items)
    forget_peak()
    before = peak_mib()
    start = time.perf_counter()
    rank(queries, "full")
    seconds = time.perf_counter() - start
    return seconds, peak_mib() - before


def streaming() -> list[dict]:
    """Grow users eightfold: users x items grows by gigabytes, the peak must not."""
    answers = []
    for users, n_items in ((5_000, 20_000), (40_000, 20_000)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # a peak of its own
            seconds, grown = pool.apply(peak_of_full, (users, n_items))
        conditions = {"users": users, "items": n_items, "scores_mib": users * n_items * 4 / 2**20}
        answers.append(
            entry("peak growth of full ranking", grown, GROWTH_LIMIT_MIB, conditions, "MiB")
        )
        answers.append(entry("full ranking", seconds, None, conditions))
    return answers


def entry(
    question: str, value: float, limit: float | None, conditions: dict, unit: str = "s"
) -> dict:
    return {
        "question": question,
        "value": round(value, 3),
        "unit": unit,
        "limit": limit,
        "met": None if limit is None else value <= limit,
        "conditions": conditions,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    answers = sampled(parser.parse_args().users) + streaming()
    machine = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    for answer in answers:
        answer["conditions"] |= machine
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(answers, indent=2) + "\n")
    print(json.dumps(answers, indent=2))


if __name__ == "__main__":
    main()
