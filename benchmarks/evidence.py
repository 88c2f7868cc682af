"""How long does evidence take, all kinds together and in words, and what it is made from?

    python benchmarks/evidence.py

Writes benchmarks/results/evidence.json: a list of {question, value, unit, limit, met, conditions}.
The logs are generated, of the sizes of MovieLens-1M and MicroLens-50K: items as popular as in
real logs, users in groups of like taste. The encoder is a SASRec of the default size, untrained:
its speed does not depend on what it has learned. Each user is asked about as a training window.
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from gistrec.collab.content import alike_items
from gistrec.collab.evidence import Evidence
from gistrec.collab.evidence_words import evidence_lines
from gistrec.collab.paths import evidence_paths
from gistrec.config.evidence import EvidenceConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.sequences import Sequences
from gistrec.sequence.model import SequenceModel, build_network
from gistrec.sequence.report import TrainingReport

RESULT = Path(__file__).parent / "results" / "evidence.json"
LIMIT = 100_000  # pairs a minute
CANDIDATES = 21
ASKED = 2000  # users
EXPLAINED = 100  # pairs whose paths are looked for
GROUPS = 20
WIDTH = 384  # of MiniLM's vectors


@dataclass(frozen=True)
class Size:
    name: str
    users: int
    items: int
    interactions: int


SIZES = (
    Size("movielens-1m", 6040, 3706, 1_000_000),
    Size("microlens-50k", 50_000, 19_220, 360_000),
)


@dataclass(frozen=True)
class Drawn:
    """Random vectors in place of what texts mean."""

    name: str = "drawn"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.random.default_rng(3).normal(size=(len(texts), WIDTH)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_log(size: Size) -> Sequences:
    """Lengths spread as in real logs; a user takes two thirds from what their group likes."""
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(0.0, 0.9, size.users)
    lengths = np.clip((lengths / lengths.sum() * size.interactions).astype(int), 4, size.items // 3)
    popularity = 1 / (np.arange(size.items) + size.items / 20)
    logs = []
    for length in lengths:
        own = np.where(np.arange(size.items) % GROUPS == rng.integers(GROUPS), 40, 1)
        keys = np.log(popularity * own) + rng.gumbel(size=size.items)
        logs.append(rng.permutation(np.argpartition(-keys, length - 1)[:length]))
    items = np.concatenate(logs).astype(np.int32)
    ids = pl.Series([f"u{row}" for row in range(size.users)])
    return Sequences(ids, np.cumsum([0, *lengths]), items, np.arange(len(items)))


def seconds_of(work: object) -> tuple[float, object]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def measured(size: Size) -> dict[str, object]:
    train = make_log(size)
    config = SequenceConfig()
    torch.manual_seed(0)
    encoder = SequenceModel(
        build_network(config, size.items),
        config,
        np.bincount(train.items, minlength=size.items) > 0,
        TrainingReport(0, 0, None, 0.0),
    )
    seconds_alike, alike = seconds_of(lambda: alike_items([""] * size.items, Drawn(), 10))
    seconds_log, evidence = seconds_of(
        lambda: Evidence.of_log(train, size.items, encoder, alike, EvidenceConfig())
    )
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(size.users, ASKED, replace=False))
    histories = train.prefixes(rows, train.lengths[rows] - 1)
    others = rng.integers(0, size.items, (ASKED, CANDIDATES - 1))
    candidates = np.column_stack([train.items[train.offsets[rows + 1] - 1], others])
    candidates = candidates.astype(np.int32)
    seconds, told = seconds_of(lambda: evidence.of(histories, candidates, rows))
    seconds_words, lines = seconds_of(lambda: evidence_lines(told))
    assert len(lines) == ASKED
    seconds_encoder, _ = seconds_of(
        lambda: [
            encoder.score(histories.take(np.arange(at, min(at + 200, ASKED))), None)
            for at in range(0, ASKED, 200)
        ]
    )
    seconds_paths, _ = seconds_of(
        lambda: [
            evidence_paths(evidence, histories.take([row]), int(candidates[row, 0]), int(rows[row]))
            for row in range(EXPLAINED)
        ]
    )
    rate = ASKED * CANDIDATES / (seconds + seconds_words) * 60
    return {
        "question": f"evidence of all kinds, in words, on a log like {size.name}",
        "value": round(rate),
        "unit": "pairs a minute",
        "limit": LIMIT,
        "met": rate >= LIMIT,
        "conditions": {
            "users": size.users,
            "items": size.items,
            "interactions": len(train.items),
            "asked": ASKED,
            "candidates": CANDIDATES,
            "seconds_numbers": round(seconds, 2),
            "seconds_of_these_by_the_encoder": round(seconds_encoder, 2),
            "seconds_words": round(seconds_words, 2),
            "seconds_alike_items": round(seconds_alike, 2),
            "seconds_matrices": round(seconds_log, 2),
            "ms_paths_a_pair": round(seconds_paths / EXPLAINED * 1000, 1),
            "threads": torch.get_num_threads(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
    }


def main() -> None:
    torch.set_num_threads(1)
    answers = [measured(size) for size in SIZES]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(answers, indent=2) + "\n")
    print(json.dumps(answers, indent=2))


if __name__ == "__main__":
    main()
