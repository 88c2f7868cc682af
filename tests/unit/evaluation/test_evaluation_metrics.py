import itertools
from math import log2

import numpy as np
import polars as pl
import pytest
from evaluation_cases import make_ranks
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    label_ranking_average_precision_score,
    ndcg_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from gistrec.errors import RunError
from gistrec.evaluation.metrics import (
    expected_gain,
    gains,
    mean,
    metric_values,
    metrics_of,
)
from gistrec.evaluation.placement import place_first
from gistrec.evaluation.pooled import pooled_auc


def values(metric: str, better: list[int], ties: list[int] | None = None) -> list[float]:
    return metric_values(make_ranks(better, ties), metric).tolist()


def positive_first(scores: np.ndarray) -> np.ndarray:
    labels = np.zeros_like(scores)
    labels[:, 0] = 1
    return labels


def test_hit_rate() -> None:
    assert values("HR@5", [0, 4, 5, 20]) == [1, 1, 0, 0]
    assert mean(metric_values(make_ranks([0, 4, 5, 20]), "HR@5")) == 2 / 4


def test_ndcg() -> None:
    expected = [1 / log2(1 + 1), 1 / log2(3 + 1), 1 / log2(5 + 1), 0]
    assert values("NDCG@5", [0, 2, 4, 5]) == expected


def test_mrr() -> None:
    assert values("MRR@10", [0, 2, 9, 10]) == [1 / 1, 1 / 3, 1 / 10, 0]


def test_auc_is_the_share_of_others_that_are_beaten() -> None:
    assert values("AUC", [0, 3, 20]) == [20 / 20, 17 / 20, 0 / 20]
    assert values("AUC", [3], [4]) == [pytest.approx((20 - 3 - 4 + 4 / 2) / 20)]


def test_ties_count_as_the_expectation_over_random_order() -> None:
    """Two better, three equal: the positive stands at 3, 4, 5 or 6, each as likely."""
    assert values("HR@5", [2], [3]) == [3 / 4]
    assert values("MRR@5", [2], [3]) == [pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 4)]
    expected = (1 / log2(4) + 1 / log2(5) + 1 / log2(6)) / 4
    assert values("NDCG@5", [2], [3]) == [pytest.approx(expected)]


@pytest.mark.parametrize("k", [5, 10, 20])
def test_a_constant_scorer_gets_chance(k: int) -> None:
    ranks = make_ranks([0] * 3, [20] * 3)
    assert metric_values(ranks, f"HR@{k}").tolist() == [k / 21] * 3
    chance = sum(1 / log2(position + 1) for position in range(1, k + 1)) / 21
    np.testing.assert_allclose(metric_values(ranks, f"NDCG@{k}"), chance, rtol=1e-14)
    chance = sum(1 / position for position in range(1, k + 1)) / 21
    np.testing.assert_allclose(metric_values(ranks, f"MRR@{k}"), chance, rtol=1e-14)
    assert metric_values(ranks, "AUC").tolist() == [0.5] * 3


@given(
    scores=st.lists(st.integers(0, 2), min_size=2, max_size=6),
    k=st.integers(1, 7),
    kind=st.sampled_from(["HR", "NDCG", "MRR"]),
)
def test_the_closed_form_is_the_mean_over_all_orders_of_ties(scores, k, kind) -> None:
    placed = place_first(np.array([scores], dtype=np.float32))
    found = expected_gain(placed.better, placed.ties, gains(kind, k))[0]
    worth = {"HR": lambda p: 1.0, "NDCG": lambda p: 1 / log2(p + 1), "MRR": lambda p: 1 / p}[kind]
    total = []
    for order in itertools.permutations(range(len(scores))):
        ranked = sorted(order, key=lambda column: -scores[column])  # stable: ties keep `order`
        position = ranked.index(0) + 1
        total.append(worth(position) if position <= k else 0.0)
    assert found == pytest.approx(sum(total) / len(total), abs=1e-12)


@given(
    scores=st.lists(st.integers(-3, 3), min_size=2, max_size=12),
    data=st.data(),
)
def test_order_and_monotone_change_of_scores_change_nothing(scores, data) -> None:
    shuffled = [scores[0], *data.draw(st.permutations(scores[1:]))]
    stretched = [score**3 + 5 * score - 2 for score in scores]
    a, b, c = (
        place_first(np.array([row], dtype=np.float32)) for row in (scores, shuffled, stretched)
    )
    assert (a.better, a.ties) == (b.better, b.ties) == (c.better, c.ties)


@given(better=st.integers(0, 30), ties=st.integers(0, 30))
def test_more_places_never_hurt(better: int, ties: int) -> None:
    for kind in ("HR", "NDCG", "MRR"):
        row = [
            expected_gain(np.array([better]), np.array([ties]), gains(kind, k))[0]
            for k in range(1, 25)
        ]
        assert all(b >= a - 1e-15 for a, b in itertools.pairwise(row))
        assert 0 <= row[0] <= row[-1] <= 1


def test_scikit_learn_computes_the_same_ndcg_with_ties() -> None:
    """Its NDCG, too, averages over the orders of ties."""
    scores = np.random.default_rng(0).integers(0, 6, (50, 21)).astype(np.float32)
    placed = place_first(scores)
    ranks = make_ranks(placed.better.tolist(), placed.ties.tolist())
    for k in (5, 10, 20):
        ours = mean(metric_values(ranks, f"NDCG@{k}"))
        assert ours == pytest.approx(ndcg_score(positive_first(scores), scores, k=k), abs=1e-12)


def test_scikit_learn_computes_the_same_hits_and_reciprocal_ranks_without_ties() -> None:
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(21.0, dtype=np.float32), (50, 1)), axis=1)
    ranks = make_ranks(place_first(scores).better.tolist())
    for k in (5, 10, 20):
        hits = top_k_accuracy_score(np.zeros(50), scores, k=k, labels=range(21))
        assert mean(metric_values(ranks, f"HR@{k}")) == pytest.approx(hits)
    average = label_ranking_average_precision_score(positive_first(scores), scores)
    assert mean(metric_values(ranks, "MRR@21")) == pytest.approx(average)


def test_scikit_learn_computes_the_same_auc_with_ties() -> None:
    scores = np.random.default_rng(1).integers(0, 6, (40, 21)).astype(np.float32)
    labels = positive_first(scores)
    placed = place_first(scores)
    ours = metric_values(make_ranks(placed.better.tolist(), placed.ties.tolist()), "AUC")
    theirs = [roc_auc_score(a, b) for a, b in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    pooled = pooled_auc(scores)
    assert mean(pooled) == pytest.approx(roc_auc_score(labels.ravel(), scores.ravel()), abs=1e-12)


def test_pooled_auc_of_two_users_by_hand() -> None:
    """Positives 3 and 1, negatives 2 and 1: of four pairs 2 are won outright and 1 is a tie."""
    scores = np.array([[3.0, 2.0], [1.0, 1.0]], dtype=np.float32)
    auc = (1 + 1 + 0 + 0.5) / 4
    beats = np.array([2 / 2, 0.5 / 2])  # of the negatives 2 and 1
    beaten_by = np.array([1 / 2, 1.5 / 2])  # share of the positives above negatives 2 and 1
    np.testing.assert_allclose(pooled_auc(scores), beats + beaten_by - auc)
    assert pooled_auc(scores).mean() == auc


def test_a_shift_of_one_users_scores_moves_only_the_pooled_auc() -> None:
    scores = np.random.default_rng(2).normal(size=(30, 6)).astype(np.float32)
    scores[:, 0] += 2
    shifted = scores + np.linspace(-9, 9, 30, dtype=np.float32)[:, None]
    assert place_first(scores).better.tolist() == place_first(shifted).better.tolist()
    assert abs(pooled_auc(scores).mean() - pooled_auc(shifted).mean()) > 0.01


def test_pooled_auc_is_unknown_for_the_full_catalogue() -> None:
    ranks = make_ranks([0]).with_columns(pl.lit(None, pl.Float64).alias("auc_pooled"))
    assert "AUC pooled" not in metrics_of(ranks)
    with pytest.raises(RunError, match="AUC pooled"):
        metric_values(ranks, "AUC pooled")


@pytest.mark.parametrize("name", ["HR", "HR@", "HR@0", "HR@-1", "hr@5", "Precision@5"])
def test_an_unknown_metric_is_refused_with_those_known(name: str) -> None:
    with pytest.raises(RunError, match="NDCG@10"):
        metric_values(make_ranks([0]), name)
