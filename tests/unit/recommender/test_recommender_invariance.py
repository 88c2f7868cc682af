"""However questions to the model are cut up, ranks and metrics are the same in every digit."""

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recommender_cases import GISTS, N_ITEMS, fickle, pictured, prompter

from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.recommender import CandidatePart, RecommenderConfig
from gistrec.data.queries import Queries
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.row import Measured, make_row
from gistrec.mllm.backbone import Backbone
from gistrec.recommender.known import Known
from gistrec.recommender.rank import MllmRanker

USERS = 24
HISTORIES = fickle(USERS, 0)
WHOLE: tuple[CandidatePart, ...] = ("image", "title", "gist")


def questions() -> Queries:
    """Half of the catalogue each, the positive first."""
    rng = np.random.default_rng(1)
    rows = [np.setdiff1d(np.arange(N_ITEMS), history) for history in HISTORIES]
    candidates = np.array([rng.permutation(row)[: N_ITEMS // 2] for row in rows], dtype=np.int32)
    return Queries(HISTORIES, candidates[:, 0], candidates, np.ones(N_ITEMS, dtype=np.bool_))


QUESTIONS = questions()


def ranker(backbone: Backbone, shown: tuple[CandidatePart, ...]) -> MllmRanker:
    features = pictured()
    asks = prompter(backbone, RecommenderConfig(candidate=shown), features)
    retrieved = {(f"u{user}", 5): [*range(user % 7, N_ITEMS, 3)] for user in range(USERS)}
    return MllmRanker("tiny", backbone, asks, features, Known({}, retrieved), N_ITEMS)


def evaluated(
    backbone: Backbone,
    asked: Queries,
    protocol: str,
    chunk: int | None = None,
    shown: tuple[CandidatePart, ...] = WHOLE,
) -> dict[str, object]:
    """The row of a leaderboard."""
    ids = pl.Series([f"i{code}" for code in range(N_ITEMS)])
    counts = np.full(N_ITEMS, 3)
    ranks = rank_queries(ranker(backbone, shown), asked, protocol, ids, counts, chunk)
    measured = Measured(
        system="x", dataset="d", split="users", split_fingerprint="f", protocol=protocol
    )
    return make_row(ranks, measured, EvaluationConfig(resamples=50)).model_dump()


@pytest.mark.parametrize("shown", [WHOLE, ("gist",)])
@pytest.mark.parametrize("protocol", ["sampled", "full"])
def test_neither_chunks_nor_order_nor_threads_move_a_digit(
    tiny_backbone: Backbone, protocol: str, shown: tuple[CandidatePart, ...]
) -> None:
    whole = evaluated(tiny_backbone, QUESTIONS, protocol, shown=shown)
    assert evaluated(tiny_backbone, QUESTIONS, protocol, 5, shown) == whole
    order = np.random.default_rng(2).permutation(USERS)
    assert evaluated(tiny_backbone, QUESTIONS.take(order), protocol, 7, shown) == whole
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert evaluated(tiny_backbone, QUESTIONS, protocol, 11, shown) == whole
    finally:
        torch.set_num_threads(threads)


@settings(max_examples=6)
@given(chunk=st.integers(1, USERS), seed=st.integers(0, 100))
def test_any_chunk_and_any_order_give_the_same(
    tiny_backbone: Backbone, chunk: int, seed: int
) -> None:
    whole = evaluated(tiny_backbone, QUESTIONS, "sampled")
    order = np.random.default_rng(seed).permutation(USERS)
    assert evaluated(tiny_backbone, QUESTIONS.take(order), "sampled", chunk) == whole


def test_items_told_alike_have_the_very_same_score(tiny_backbone: Backbone) -> None:
    everything = np.tile(np.arange(N_ITEMS, dtype=np.int32), (USERS, 1))
    moved = np.random.default_rng(3).permutation(N_ITEMS)
    for order in (np.arange(N_ITEMS), moved):
        scores = ranker(tiny_backbone, ("gist",)).score(HISTORIES, everything[:, order])
        for row in scores:
            by_gist = {gist: {row[at] for at in np.flatnonzero(of)} for gist, of in kinds(order)}
            assert [len(found) for found in by_gist.values()] == [1] * len(set(GISTS))


def kinds(order: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Each gist, and where its items stand."""
    told = np.array(GISTS)[order]
    return [(gist, told == gist) for gist in dict.fromkeys(GISTS)]
