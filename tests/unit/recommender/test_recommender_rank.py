from functools import partial

import numpy as np
import pytest
from recommender_cases import N_ITEMS, fickle, pictured, prompter

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.ranker import UNRANKED
from gistrec.errors import RunError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import score_rows
from gistrec.recommender import rank
from gistrec.recommender.known import Known
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.rank import MllmRanker

HISTORIES = fickle(5, 0)
EVERYTHING = np.tile(np.arange(N_ITEMS, dtype=np.int32), (5, 1))
RETRIEVED = {(f"u{user}", 5): [user, 17, 3 + user] for user in range(5)}


def ranker(
    backbone: Backbone, retrieved: Nearby | None = None, nearby: Nearby | None = None
) -> MllmRanker:
    features = pictured()
    asks = prompter(backbone, RecommenderConfig(), features)
    return MllmRanker(
        "tiny", backbone, asks, features, Known(nearby or {}, retrieved or {}), N_ITEMS
    )


def test_every_candidate_gets_a_score(tiny_backbone: Backbone) -> None:
    scores = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    assert scores.shape == EVERYTHING.shape
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert ranker(tiny_backbone).name == "tiny"


def test_the_order_of_candidates_moves_their_scores_along(tiny_backbone: Backbone) -> None:
    scores = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    order = np.random.default_rng(0).permutation(N_ITEMS)
    moved = ranker(tiny_backbone).score(HISTORIES, EVERYTHING[:, order])
    np.testing.assert_allclose(moved, scores[:, order], atol=1e-4)


@pytest.mark.parametrize("tokens", [1, 30, 200, 5000])
def test_chunks_change_nothing(
    tokens: int, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk holds from one candidate to all of them."""
    scores = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    monkeypatch.setattr(rank, "score_rows", partial(score_rows, chunk_tokens=tokens))
    np.testing.assert_allclose(
        ranker(tiny_backbone).score(HISTORIES, EVERYTHING), scores, atol=1e-4
    )


def test_one_user_at_a_time_scores_the_same(tiny_backbone: Backbone) -> None:
    scores = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    for user in range(5):
        alone = ranker(tiny_backbone).score(HISTORIES.take([user]), EVERYTHING[:1])
        np.testing.assert_allclose(alone[0], scores[user], atol=1e-4)


def test_over_the_catalogue_what_was_not_retrieved_is_unranked(tiny_backbone: Backbone) -> None:
    whole = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    scores = ranker(tiny_backbone, RETRIEVED).score(HISTORIES, None)
    assert scores.shape == (5, N_ITEMS)
    for user in range(5):
        asked = RETRIEVED[f"u{user}", 5]
        np.testing.assert_allclose(scores[user, asked], whole[user, asked], atol=1e-4)
        assert set(np.flatnonzero(scores[user] != UNRANKED)) == set(asked)


def test_nothing_retrieved_for_a_user_is_said(tiny_backbone: Backbone) -> None:
    some = {key: value for key, value in RETRIEVED.items() if key != ("u3", 5)}
    with pytest.raises(RunError, match="nothing was retrieved for user 'u3' after 5 interactions"):
        ranker(tiny_backbone, some).score(HISTORIES, None)


def test_an_empty_retrieval_leaves_all_unranked(tiny_backbone: Backbone) -> None:
    scores = ranker(tiny_backbone, {**RETRIEVED, ("u3", 5): []}).score(HISTORIES, None)
    assert (scores[3] == UNRANKED).all()


def test_neighbours_are_those_of_the_user_and_the_moment(tiny_backbone: Backbone) -> None:
    plain = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    known = {("u1", 5): [30, 31], ("u2", 4): [30, 31]}
    told = ranker(tiny_backbone, nearby=known).score(HISTORIES, EVERYTHING)
    changed = np.abs(told - plain).max(axis=1) > 1e-3
    assert changed.tolist() == [False, True, False, False, False]


def test_lists_of_any_length(tiny_backbone: Backbone) -> None:
    scores = ranker(tiny_backbone).score(HISTORIES, EVERYTHING)
    asked = [[3], [], list(range(N_ITEMS)), [7, 7], [39, 0]]
    found = ranker(tiny_backbone).score_lists(HISTORIES, asked)
    for user, items in enumerate(asked):
        np.testing.assert_allclose(found[user], scores[user, items], atol=1e-4)


def test_no_users_no_scores(tiny_backbone: Backbone) -> None:
    nobody = HISTORIES.take([])
    assert ranker(tiny_backbone).score(nobody, EVERYTHING[:0]).shape == (0, N_ITEMS)
    assert ranker(tiny_backbone).score(nobody, None).shape == (0, N_ITEMS)
