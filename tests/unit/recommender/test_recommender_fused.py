from collections.abc import Sequence

import numpy as np
import pytest
from fusion_cases import calibration
from recommender_cases import N_ITEMS, faithful

from gistrec.config.fusion import FusionConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.ranker import UNRANKED, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.recommender.fuse import Fusion, FusionLists, fit_fusion, lists_to_fuse
from gistrec.recommender.fused import FusedRanker
from gistrec.recommender.scored_lists import sampled_lists
from gistrec.sequence.model import SequenceModel
from gistrec.sequence.training import train_sequence_model

LOG = faithful(60, 0)
COUNTS = np.bincount(LOG.items, minlength=N_ITEMS)
ASKED = faithful(12, 1)
HISTORIES = ASKED.prefixes(np.arange(12), np.full(12, 4))
POSITIVES = ASKED.items[ASKED.offsets[1:] - 1]
RETRIEVED: dict[tuple[str, int], list[int]] = {
    (f"u{user}", 4): [(5 * user) % N_ITEMS, int(POSITIVES[user]), 39 - user] for user in range(11)
} | {("u11", 4): [item for item in (1, 2, 3) if item != POSITIVES[11]]}
EVERYTHING = np.tile(np.arange(N_ITEMS, dtype=np.int32), (12, 1))


@pytest.fixture(scope="module")
def encoder() -> SequenceModel:
    config = SequenceConfig(width=8, layers=1, negatives=None, epochs=2)
    return train_sequence_model(config, LOG, None, N_ITEMS)


class Near:
    """Likes a candidate the better the nearer its code is to that of the latest item."""

    name = "tiny"

    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        return [
            -np.abs(np.array(items, dtype=np.float32) - history[-1])
            for history, items in zip(histories, asked, strict=True)
        ]

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        if candidates is not None:
            return np.stack(self.score_lists(histories, [row.tolist() for row in candidates]))
        asked = [RETRIEVED[user, 4] for user in histories.users]
        scores = np.full((len(histories), N_ITEMS), UNRANKED, dtype=np.float32)
        for place, found in enumerate(self.score_lists(histories, asked)):
            scores[place, asked[place]] = found
        return scores


MODEL = Near()


def fused(encoder: SequenceModel, fusion: Fusion) -> FusedRanker:
    return FusedRanker("tiny+fusion", MODEL, encoder, fusion, COUNTS)


def questions() -> Queries:
    others = (POSITIVES[:, None] + np.arange(6, dtype=np.int32)) % N_ITEMS
    return Queries(HISTORIES, POSITIVES, others.astype(np.int32), np.ones(N_ITEMS, dtype=np.bool_))


def test_one_weight_alone_ranks_as_its_part_does(encoder: SequenceModel) -> None:
    by_model = fused(encoder, Fusion(calibration(logit=2.0), None))
    by_encoder = fused(encoder, Fusion(calibration(encoder=2.0), None))
    assert by_model.name == "tiny+fusion"
    known = EVERYTHING[:, COUNTS > 0]
    np.testing.assert_allclose(
        by_model.score(HISTORIES, known), 2 * MODEL.score(HISTORIES, known), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        by_encoder.score(HISTORIES, known), 2 * encoder.score(HISTORIES, known), rtol=1e-5
    )


def test_over_the_whole_catalogue_only_the_retrieved_are_ranked_by_their_own_calibration(
    encoder: SequenceModel,
) -> None:
    ranker = fused(encoder, Fusion(calibration(logit=1.0), calibration(logit=-3.0)))
    scores = ranker.score(HISTORIES, None)
    assert scores.dtype == np.float32
    for user in range(12):
        items = sorted(set(RETRIEVED[f"u{user}", 4]))
        assert np.flatnonzero(scores[user] != UNRANKED).tolist() == items
    pure = MODEL.score(HISTORIES, None)
    ranked = np.isfinite(pure)
    np.testing.assert_allclose(scores[ranked], -3 * pure[ranked], rtol=1e-4, atol=1e-4)


def test_lists_of_any_length_are_scored_as_the_whole_catalogue_is(encoder: SequenceModel) -> None:
    ranker = fused(
        encoder, Fusion(calibration(), calibration(logit=1.0, encoder=0.5, popularity=0.2))
    )
    asked = [list(RETRIEVED[f"u{user}", 4])[: user % 4] for user in range(12)]
    whole = ranker.score(HISTORIES, None)
    for user, found in enumerate(ranker.score_lists(HISTORIES, asked)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, whole[user, asked[user]], rtol=1e-3, atol=1e-3)
    assert [len(one) for one in ranker.score_lists(HISTORIES, [[]] * 12)] == [0] * 12


def test_lists_to_fuse_hold_the_positive_first_and_what_the_evaluation_ranks(
    encoder: SequenceModel,
) -> None:
    asked = questions()
    lists = lists_to_fuse(MODEL, encoder, asked, COUNTS)
    assert len(lists.sampled) == 12
    pure = MODEL.score(HISTORIES, asked.candidates)
    np.testing.assert_allclose(lists.sampled.signals.logit, pure.ravel(), rtol=1e-3, atol=1e-3)
    # The last user's positive was not retrieved.
    assert lists.full.users.to_list() == [f"u{user}" for user in range(11)]
    whole = MODEL.score(HISTORIES, None)
    for user in range(11):
        mine = slice(lists.full.offsets[user], lists.full.offsets[user + 1])
        history = set(HISTORIES[user].tolist())
        rivals = sorted(set(RETRIEVED[f"u{user}", 4]) - history - {int(POSITIVES[user])})
        items = [int(POSITIVES[user]), *rivals]
        np.testing.assert_allclose(
            lists.full.signals.logit[mine], whole[user, items], rtol=1e-3, atol=1e-3
        )
        assert lists.full.signals.counts[mine].tolist() == COUNTS[items].tolist()


def test_only_the_pool_competes(encoder: SequenceModel) -> None:
    asked = questions()
    pool = np.zeros(N_ITEMS, dtype=np.bool_)
    narrow = Queries(asked.histories, asked.positives, asked.candidates, pool)
    lists = lists_to_fuse(MODEL, encoder, narrow, COUNTS)
    assert np.diff(lists.full.offsets).tolist() == [1] * 11


class Knowing:
    """Knows that users choose one kind of goods, and nothing within a kind."""

    name = "knowing"

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        assert candidates is not None
        kinds = np.array([history[-1] // 10 for history in histories])
        same: Scores = (candidates // 10 == kinds[:, None]).astype(np.float32)
        return same


def test_a_fusion_with_an_encoder_that_knows_ranks_better_than_the_model() -> None:
    rng = np.random.default_rng(0)
    others = np.stack([rng.choice(N_ITEMS, 8, replace=False) for _ in POSITIVES])
    candidates = np.concatenate([POSITIVES[:, None], others], axis=1).astype(np.int32)
    asked = Queries(HISTORIES, POSITIVES, candidates, np.ones(N_ITEMS, dtype=np.bool_))
    lists = sampled_lists(MODEL, Knowing(), asked, COUNTS)
    twice = lists.take(np.tile(np.arange(len(lists)), 2))  # fewer would not be fitted on
    fusion = fit_fusion(FusionLists(twice, lists.take([])), FusionConfig())
    ranker = FusedRanker("tiny+fusion", MODEL, Knowing(), fusion, COUNTS)

    def beaten(scores: Scores) -> float:
        return float((scores[:, :1] > scores[:, 1:]).mean())

    assert beaten(ranker.score(HISTORIES, candidates)) > beaten(MODEL.score(HISTORIES, candidates))
