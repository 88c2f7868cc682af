"""However a measurement is cut up, its numbers are the same in every digit."""

import numpy as np
import polars as pl
import pytest

from gistrec.config.evaluation import EvaluationConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.evaluation.compare import compare
from gistrec.evaluation.protocol import PROTOCOLS, rank_queries
from gistrec.evaluation.row import Measured, make_row

USERS, ITEMS = 150, 60
ITEM_IDS = pl.Series([f"i{code}" for code in range(ITEMS)])
COUNTS = np.random.default_rng(9).integers(0, 70, ITEMS)


class Lookup:
    """Scores with ties, and items that its retrieval left out, by the user's id."""

    name = "lookup"

    def __init__(self, seed: int) -> None:
        self.table = (np.random.default_rng(seed).integers(0, 15, (USERS, ITEMS)) / 3).astype(
            np.float32
        )

    def score(self, histories: Sequences, candidates: np.ndarray | None) -> np.ndarray:
        scores = self.table[[int(user) for user in histories.users]]
        if candidates is None:
            return np.where(scores < 0.5, np.float32(-np.inf), scores)
        return np.take_along_axis(scores, candidates, axis=1)


def questions() -> Queries:
    rng = np.random.default_rng(1)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, 25, USERS))]).astype(np.int64)
    items = rng.integers(0, ITEMS, offsets[-1]).astype(np.int32)
    candidates = rng.permuted(np.tile(np.arange(ITEMS, dtype=np.int32), (USERS, 1)), axis=1)[:, :21]
    histories = Sequences(
        pl.Series([f"{user:03d}" for user in range(USERS)]), offsets, items, np.arange(offsets[-1])
    )
    return Queries(histories, candidates[:, 0], candidates, rng.random(ITEMS) < 0.8)


def ranks(queries: Queries, protocol: str, chunk: int | None = None, seed: int = 0) -> pl.DataFrame:
    return rank_queries(Lookup(seed), queries, protocol, ITEM_IDS, COUNTS, chunk)


def row(table: pl.DataFrame, protocol: str) -> dict:
    measured = Measured(
        system="lookup", dataset="d", split="users", split_fingerprint="f", protocol=protocol
    )
    return make_row(table, measured, EvaluationConfig(resamples=100)).model_dump()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_chunks_change_nothing(protocol: str, chunk: int) -> None:
    assert ranks(questions(), protocol, chunk).equals(ranks(questions(), protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_order_of_users_changes_no_digit(protocol: str) -> None:
    order = np.random.default_rng(2).permutation(USERS)
    straight = ranks(questions(), protocol)
    shuffled = ranks(questions().take(order), protocol, chunk=13)
    assert shuffled.equals(straight[order])
    assert row(shuffled, protocol) == row(straight, protocol)


def test_the_order_of_candidates_changes_no_digit() -> None:
    queries = questions()
    others = np.random.default_rng(3).permuted(queries.candidates[:, 1:], axis=1)
    moved = np.concatenate([queries.candidates[:, :1], others], axis=1)
    again = Queries(queries.histories, queries.positives, moved, queries.pool)
    assert row(ranks(again, "sampled"), "sampled") == row(ranks(queries, "sampled"), "sampled")


def test_the_order_of_users_changes_no_digit_of_a_comparison() -> None:
    a, b = (ranks(questions(), "sampled", seed=seed) for seed in (0, 1))
    for metric in ("NDCG@5", "AUC", "AUC pooled"):
        assert compare(a, b, metric) == compare(a[::-1], b.sample(USERS, shuffle=True), metric)


def test_ranking_everything_as_candidates_is_ranking_the_catalogue() -> None:
    """The two protocols agree where the candidates are the whole pool and nothing is known."""
    queries = questions()
    first = np.array([[code for code in range(ITEMS) if code != p] for p in queries.positives])
    everything = np.concatenate([queries.positives[:, None], first], axis=1).astype(np.int32)
    bare = Sequences(
        queries.histories.users,
        np.arange(USERS + 1),
        queries.positives,
        np.arange(USERS),
    )
    table = np.random.default_rng(4).integers(0, 9, (USERS, ITEMS)).astype(np.float32)

    class Plain(Lookup):
        def score(self, histories: Sequences, candidates: np.ndarray | None) -> np.ndarray:
            scores = table[[int(user) for user in histories.users]]
            if candidates is None:
                return scores
            return np.take_along_axis(scores, candidates, axis=1)

    asked = Queries(bare, queries.positives, everything, np.ones(ITEMS, dtype=bool))
    full, sampled = (
        rank_queries(Plain(0), asked, protocol, ITEM_IDS, COUNTS).drop("auc_pooled")
        for protocol in ("full", "sampled")
    )
    assert full.equals(sampled)
