"""How long does an exact search for similar users take?

    python benchmarks/neighbours.py [--states 100000]

Writes benchmarks/results/neighbours.json: a list of {question, value, unit, limit, met,
conditions}. States of one user resemble one another, as a user's moments do.
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

from gistrec.collab.knowledge_base import KnowledgeBase
from gistrec.collab.neighbours import find_neighbours
from gistrec.data.sequences import Sequences

RESULT = Path(__file__).parent / "results" / "neighbours.json"
LIMIT_MS = 5.0
MOMENTS = 10  # a user
QUERIES = 500
N_ITEMS = 1000
ITEM_IDS = pl.Series(np.arange(N_ITEMS)).cast(pl.String)


def make_base(states: int, width: int) -> KnowledgeBase:
    rng = np.random.default_rng(0)
    users = states // MOMENTS
    offsets = np.arange(users + 1, dtype=np.int64) * (MOMENTS + 1)
    items = rng.integers(0, N_ITEMS, offsets[-1], dtype=np.int32)
    ids = pl.Series(np.arange(users)).cast(pl.String)
    centres = rng.normal(size=(users, 1, width)).astype(np.float32)
    cloud = centres + rng.normal(size=(users, MOMENTS, width)).astype(np.float32) * 0.3
    cloud = np.ascontiguousarray(cloud.reshape(-1, width))
    cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
    rows = np.repeat(np.arange(users), MOMENTS)
    moments = np.tile(np.arange(1, MOMENTS + 1), users)
    train = Sequences(ids, offsets, items, np.zeros(len(items), dtype=np.int64))
    base = KnowledgeBase(train, rows, moments, cloud)
    base.index.search(cloud[:1], 1)  # builds the index before the clock starts
    return base


def milliseconds(base: KnowledgeBase, batch: int) -> list[float]:
    """Milliseconds a query, one value a call, for known users who ask ``batch`` at a time."""
    rng = np.random.default_rng(1)
    asking = rng.choice(len(base), QUERIES, replace=False)
    users = base.train.users.gather(base.rows[asking])
    spent = []
    for at in range(0, QUERIES, batch):
        part = slice(at, at + batch)
        start = time.perf_counter()
        found = find_neighbours(
            base, base.states[asking[part]], users[part], base.moments[asking[part]], ITEM_IDS
        )
        spent.append((time.perf_counter() - start) * 1000 / min(batch, QUERIES - at))
        assert len(found) == 3 * min(batch, QUERIES - at)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=100_000)
    states = parser.parse_args().states
    answers = []
    for width in (64, 128):
        base = make_base(states, width)
        for what, batch in (("one at a time", 1), ("all in one call", QUERIES)):
            spent = milliseconds(base, batch)
            answers.append(
                {
                    "question": f"exact search, 3 distinct users, {what}",
                    "value": round(float(np.median(spent)), 3),
                    "p95": round(float(np.quantile(spent, 0.95)), 3),
                    "unit": "ms a query",
                    "limit": LIMIT_MS,
                    "met": bool(np.median(spent) <= LIMIT_MS),
                    "conditions": {
                        "states": states,
                        "width": width,
                        "queries": QUERIES,
                        "threads": faiss.omp_get_max_threads(),
                        "machine": platform.machine(),
                        "cores": os.cpu_count(),
                        "load": os.getloadavg()[0],
                    },
                }
            )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(answers, indent=2) + "\n")
    print(json.dumps(answers, indent=2))


if __name__ == "__main__":
    main()
