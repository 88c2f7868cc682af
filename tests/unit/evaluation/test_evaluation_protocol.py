import numpy as np
import polars as pl
import pytest
from evaluation_cases import Table, ids, make_queries, random_case
from hypothesis import given, settings
from hypothesis import strategies as st

from gistrec.errors import RunError
from gistrec.evaluation.protocol import PROTOCOLS, rank_queries


def rank(scores, queries, protocol, chunk=None) -> pl.DataFrame:
    n_items = len(queries.pool)
    ranker = Table(scores, queries.histories.users)
    return rank_queries(ranker, queries, protocol, ids(n_items), np.arange(n_items), chunk)


def test_sampled_ranks_among_the_candidates_alone() -> None:
    queries = make_queries([[0], [1, 2]], [3, 4], 6, candidates=[[3, 0, 5], [4, 5, 3]])
    scores = [[9, 9, 9, 1, 9, 1], [9, 9, 9, 2, 3, 1]]
    table = rank(scores, queries, "sampled")
    assert table["user_id"].to_list() == ["u0", "u1"]
    assert table["positive"].to_list() == ["i3", "i4"]
    assert table["rank"].to_list() == [1 + 1 + 1 / 2, 1]
    assert table["ties"].to_list() == [1, 0]
    assert table["n_candidates"].to_list() == [3, 3]
    assert table["auc"].to_list() == [(0 + 1 / 2) / 2, 2 / 2]
    assert table["history_length"].to_list() == [1, 2]
    assert table["target_count"].to_list() == [3, 4]


def test_full_ranks_the_pool_less_the_history() -> None:
    """Item 5 is outside the pool, items 0 (twice) and 1 are known; 2 beats and 4 ties."""
    queries = make_queries([[0, 1, 0]], [3], 6, pool=[0, 1, 2, 3, 4])
    table = rank([[9, 5, 9, 5, 5, 9]], queries, "full")
    assert table["n_candidates"].to_list() == [3]
    assert table["ties"].to_list() == [1]
    assert table["rank"].to_list() == [1 + 1 + 1 / 2]
    assert table["auc"].to_list() == [1 / 2 * 1 / 2]
    assert table["auc_pooled"].to_list() == [None]


def test_a_positive_takes_part_even_if_known_or_outside_the_pool() -> None:
    queries = make_queries([[2, 0], [0]], [2, 3], 4, pool=[0, 1, 2])
    table = rank([[9, 5, 5, 9], [9, 9, 1, 5]], queries, "full")
    assert table["n_candidates"].to_list() == [2, 3]  # {1, 2}; {1, 2} and the positive 3
    assert table["rank"].to_list() == [1 + 1 / 2, 1 + 1]


def test_what_retrieval_left_out_stands_behind_and_ties() -> None:
    queries = make_queries([[0], [0]], [1, 2], 6)
    unranked = -np.inf
    scores = [[unranked, 3, 4, unranked, unranked, unranked]] * 2
    scores[1] = [unranked, 3, unranked, 4, unranked, unranked]
    table = rank(scores, queries, "full")
    assert table["retrieved"].to_list() == [True, False]
    assert table["rank"].to_list() == [2, 1 + 2 + 2 / 2]
    assert table["ties"].to_list() == [0, 2]


def test_nobody_to_be_ranked_against_is_chance() -> None:
    table = rank([[1, 2]], make_queries([[0]], [1], 2), "full")
    assert table["n_candidates"].to_list() == [1]
    assert table["auc"].to_list() == [0.5]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), protocol=st.sampled_from(["full", "sampled"]))
def test_ranks_are_those_of_sorting_sets(seed: int, protocol: str) -> None:
    queries, ranker, item_ids, counts = random_case(seed, users=12)
    table = rank_queries(ranker, queries, protocol, item_ids, counts)
    for row, line in enumerate(table.iter_rows(named=True)):
        positive = int(queries.positives[row])
        if protocol == "sampled":
            rivals = set(queries.candidates[row].tolist()) - {positive}
        else:
            known = set(queries.histories[row].tolist())
            rivals = set(np.flatnonzero(queries.pool).tolist()) - known - {positive}
        own, others = ranker.scores[row][positive], ranker.scores[row][sorted(rivals)]
        better, ties = int((others > own).sum()), int((others == own).sum())
        assert (line["rank"], line["ties"]) == (better + 1 + ties / 2, ties)
        assert line["n_candidates"] == len(rivals) + 1
        assert line["target_count"] == counts[positive]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_constant_ranker_stands_in_the_middle(protocol: str) -> None:
    queries, _, item_ids, counts = random_case(1)
    table = rank_queries(Table(np.zeros((1, 40))), queries, protocol, item_ids, counts)
    np.testing.assert_array_equal(table["rank"], (table["n_candidates"] + 1) / 2)
    np.testing.assert_array_equal(table["auc"], 0.5)


@pytest.mark.parametrize("protocol", ["full", "sampled"])
def test_nan_is_refused_with_the_ranker_and_the_user(protocol: str) -> None:
    queries, ranker, item_ids, counts = random_case(2)
    ranker.scores[37] = np.nan
    with pytest.raises(RunError, match=r"'table' gave NaN to user 'u37'"):
        rank_queries(ranker, queries, protocol, item_ids, counts, chunk=16)


def test_unranked_among_sampled_candidates_is_refused() -> None:
    queries, ranker, item_ids, counts = random_case(2)
    ranker.scores[5] = -np.inf
    with pytest.raises(RunError, match=r"no score to user 'u5'"):
        rank_queries(ranker, queries, "sampled", item_ids, counts)


def test_scores_of_a_wrong_shape_are_refused() -> None:
    queries, ranker, item_ids, counts = random_case(2)
    ranker.scores = ranker.scores[:, :-1]
    with pytest.raises(RunError, match=r"\(60, 39\) where \(60, 40\)"):
        rank_queries(ranker, queries, "full", item_ids, counts)


def test_unknown_protocols_and_empty_splits_are_refused() -> None:
    queries, ranker, item_ids, counts = random_case(2)
    with pytest.raises(RunError, match="choose from full, sampled"):
        rank_queries(ranker, queries, "leave-one-out", item_ids, counts)
    with pytest.raises(RunError, match="no question"):
        rank_queries(ranker, queries.take([]), "full", item_ids, counts)
