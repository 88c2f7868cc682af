"""How long does an approximate search among a million states take, and what does it miss?

    python benchmarks/neighbours_ann.py [--states 1000000] [--kinds hnsw ivf]

Writes benchmarks/results/neighbours-ann.json: a list of {question, value, unit, limit, met,
conditions}. A user's moments resemble one another, and users differ in a few directions more than
in the others, as states of trained encoders do: a taste in 16 dimensions, turned into 64, and noise
in all of them.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import faiss
import numpy as np
import polars as pl

from gistrec.collab.index import IndexKind
from gistrec.collab.knowledge_base import KnowledgeBase, States
from gistrec.collab.neighbours import find_neighbours, search_exactly
from gistrec.collab.recall import measured_recall
from gistrec.data.sequences import Sequences

RESULT = Path(__file__).parent / "results" / "neighbours-ann.json"
MOMENTS, TASTE, WIDTH = 10, 16, 64
QUERIES, K, LEAST_RECALL = 500, 10, 0.95
N_ITEMS = 1000
ITEM_IDS = pl.Series(np.arange(N_ITEMS)).cast(pl.String)


def make_base(states: int, kind: IndexKind) -> KnowledgeBase:
    rng = np.random.default_rng(0)
    users = states // MOMENTS
    taste = rng.normal(size=(users, 1, TASTE)) + 0.3 * rng.normal(size=(users, MOMENTS, TASTE))
    turned = taste.reshape(-1, TASTE) @ np.linalg.qr(rng.normal(size=(WIDTH, TASTE)))[0].T
    cloud = (turned + 0.1 * rng.normal(size=turned.shape)).astype(np.float32)
    cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
    offsets = np.arange(users + 1, dtype=np.int64) * (MOMENTS + 1)
    items = rng.integers(0, N_ITEMS, offsets[-1], dtype=np.int32)
    ids = pl.Series(np.arange(users)).cast(pl.String)
    train = Sequences(ids, offsets, items, np.zeros(len(items), dtype=np.int64))
    rows = np.repeat(np.arange(users), MOMENTS)
    return KnowledgeBase(train, rows, np.tile(np.arange(1, MOMENTS + 1), users), cloud, kind)


def recall_of_states(base: KnowledgeBase, states: States) -> float:
    """The share of the K nearest states, whosever, that the index finds."""
    _, exact = faiss.knn(states, base.states, K, metric=faiss.METRIC_INNER_PRODUCT)
    _, found = base.index.search(states, K)
    pairs = zip(exact.tolist(), found.tolist(), strict=True)
    return float(np.mean([len(set(right) & set(given)) / K for right, given in pairs]))


def milliseconds(base: KnowledgeBase, asking: np.ndarray) -> float:
    """Of a query for three similar users."""
    users = base.train.users.gather(base.rows[asking])
    start = time.perf_counter()
    found = find_neighbours(base, base.states[asking], users, base.moments[asking], ITEM_IDS)
    spent = (time.perf_counter() - start) * 1000 / len(asking)
    assert len(found) == 3 * len(asking)
    return spent


def exact_milliseconds(base: KnowledgeBase, asking: np.ndarray) -> float:
    start = time.perf_counter()
    search_exactly(base, base.states[asking[:50]], base.owners[asking[:50]], 3)
    return (time.perf_counter() - start) * 1000 / 50


def answers_of(states: int, kind: IndexKind) -> list[dict[str, object]]:
    base = make_base(states, kind)
    start = time.perf_counter()
    assert base.index.ntotal == states
    built = time.perf_counter() - start
    asking = np.random.default_rng(1).choice(states, QUERIES, replace=False)
    conditions = {
        "index": kind,
        "states": states,
        "width": WIDTH,
        "queries": QUERIES,
        "threads": faiss.omp_get_max_threads(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    users = measured_recall(base, base.states[asking], K)
    moments = recall_of_states(base, base.states[asking])
    measured: list[tuple[str, float, str, float | None]] = [
        (f"recall@{K} of similar users", users, "share", LEAST_RECALL),
        (f"recall@{K} of states", moments, "share", LEAST_RECALL),
        ("3 distinct users, all in one call", milliseconds(base, asking), "ms a query", None),
        ("the same, looking at all states", exact_milliseconds(base, asking), "ms a query", None),
        ("building the index", built, "s", None),
    ]
    return [
        {
            "question": question,
            "value": round(value, 4),
            "unit": unit,
            "limit": limit,
            "met": None if limit is None else value >= limit,
            "conditions": conditions,
        }
        for question, value, unit, limit in measured
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=1_000_000)
    parser.add_argument("--kinds", nargs="+", choices=["hnsw", "ivf"], default=["hnsw", "ivf"])
    asked = parser.parse_args()
    answers = [answer for kind in asked.kinds for answer in answers_of(asked.states, kind)]
    RESULT.write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(answers, indent=2))


if __name__ == "__main__":
    main()
