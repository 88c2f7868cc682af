"""Every ranker keeps the same promises: one class, run for each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.baselines.molar.training import MolarContent
from gistrec.baselines.registry import Baseline, fit_baseline, load_baseline
from gistrec.config.baselines import BaselineName, BaselinesConfig, EaseConfig
from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.config.molar import MolarConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.row import Measured, make_row
from gistrec.sequence.training import train_sequence_model
from gistrec.text.encoder import of_length_one

N_ITEMS = 12  # the last two never occur in training: cold
COLD = (10, 11)
NAMES: tuple[BaselineName, ...] = (
    "popularity",
    "itemknn",
    "ease",
    "sasrec",
    "gru4rec",
    "bert4rec",
    "hm4sr",
    "molar",
)


def sequences(*rows: list[int]) -> Sequences:
    """One user a row, in the given order."""
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    items = np.array([item for row in rows for item in row], dtype=np.int32)
    users = pl.Series([f"u{index}" for index in range(len(rows))], dtype=pl.String)
    return Sequences(users, offsets, items, np.arange(len(items), dtype=np.int64))


def checkerboard() -> Sequences:
    """60 users; the even ones choose even items, the odd ones odd items, in random order."""
    rng = np.random.default_rng(0)
    rows = [(2 * rng.permutation(5)[:4] + user % 2).tolist() for user in range(60)]
    return sequences(*rows)


def config() -> BaselinesConfig:
    """Settings small enough for a test."""

    def sequential(architecture: str) -> SequenceConfig:
        return SequenceConfig.model_validate(
            {
                "architecture": architecture,
                "width": 16,
                "layers": 1,
                "dropout": 0.1,
                "max_length": 8,
                "batch_size": 16,
                "learning_rate": 0.01,
                "warmup_steps": 5,
                "epochs": 25,
                "negatives": None,
            }
        )

    return BaselinesConfig(
        ease=EaseConfig(l2=1.0),
        sasrec=sequential("sasrec"),
        gru4rec=sequential("gru4rec"),
        bert4rec=sequential("bert4rec"),
        hm4sr=Hm4srConfig(
            width=16,
            layers=1,
            dropout=0.1,
            max_length=8,
            batch_size=16,
            learning_rate=0.01,
            warmup_steps=5,
            epochs=12,
        ),
        molar=MolarConfig(
            width=16,
            layers=1,
            dropout=0.1,
            max_length=8,
            batch_size=16,
            learning_rate=0.01,
            warmup_steps=5,
            epochs=12,
        ),
    )


def content() -> ItemVectors:
    """Texts and images that tell nothing; two items have no text, two no image."""
    rng = np.random.default_rng(1)
    text = rng.standard_normal((N_ITEMS, 5)).astype(np.float32)
    image = rng.standard_normal((N_ITEMS, 7)).astype(np.float32)
    text[[1, 10]], image[[2, 11]] = 0.0, 0.0
    none = np.zeros((N_ITEMS, 0), dtype=np.float32)
    return ItemVectors(of_length_one(text), of_length_one(image), none, "random")


def states() -> MolarContent:
    """Vectors that tell no more, and an ID model that hardly knows anything."""
    vectors = np.random.default_rng(2).standard_normal((N_ITEMS, 24)).astype(np.float32)
    tiny = SequenceConfig(width=8, layers=1, max_length=4, epochs=1)
    return MolarContent(vectors, train_sequence_model(tiny, checkerboard(), None, N_ITEMS))


def fit(name: BaselineName) -> Baseline:
    """The baseline, trained on the checkerboard."""
    told = states() if name == "molar" else None
    return fit_baseline(
        name, config(), checkerboard(), None, N_ITEMS, vectors=content(), molar=told
    )


@dataclass(frozen=True)
class Case:
    """One ranker under test.

    Attributes:
        ranker: trained on the checkerboard.
        again: trains another just like it.
        reload: saves it into a folder and reads it from there.
        personal: it looks at the history at all.
    """

    ranker: Baseline
    again: Callable[[], Baseline]
    reload: Callable[[Path], Baseline]
    personal: bool


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest) -> Case:
    name: BaselineName = request.param
    ranker = fit(name)

    def reload(folder: Path) -> Baseline:
        ranker.save(folder)
        return load_baseline(name, folder)

    return Case(ranker, lambda: fit(name), reload, name != "popularity")


HISTORIES = sequences([0, 2, 4], [1], [3, 5, 7, 9, 1, 3, 5, 7, 9, 1], [6, 8])
CANDIDATES = np.array([[6, 1, 10], [3, 0, 11], [1, 2, 10], [0, 9, 11]], dtype=np.int32)


def questions(users: int = 40) -> Queries:
    """Histories of one to nine items, and seven candidates each."""
    rng = np.random.default_rng(5)
    rows = [rng.permutation(10)[: rng.integers(1, 10)].tolist() for _ in range(users)]
    others = [rng.permutation([item for item in range(N_ITEMS) if item not in row]) for row in rows]
    candidates = np.array([rng.choice(codes, 7) for codes in others], dtype=np.int32)
    pool = np.ones(N_ITEMS, dtype=np.bool_)
    return Queries(sequences(*rows), candidates[:, 0], candidates, pool)


QUESTIONS = questions()


def evaluated(
    ranker: Baseline, asked: Queries, protocol: str, chunk: int | None = None
) -> dict[str, object]:
    """The row of a leaderboard: every metric with its interval, in every stratum."""
    ids = pl.Series([f"i{code}" for code in range(N_ITEMS)])
    ranks = rank_queries(ranker, asked, protocol, ids, np.full(N_ITEMS, 20), chunk)
    measured = Measured(
        system="x", dataset="d", split="users", split_fingerprint="f", protocol=protocol
    )
    return make_row(ranks, measured, EvaluationConfig(resamples=50)).model_dump()


class TestRanker:
    def test_scores_are_finite_float32_of_the_asked_shape(self, case: Case) -> None:
        some = case.ranker.score(HISTORIES, CANDIDATES)
        every = case.ranker.score(HISTORIES, None)
        assert some.shape == (4, 3)
        assert every.shape == (4, N_ITEMS)
        assert some.dtype == every.dtype == np.float32
        assert np.isfinite(some).all()
        assert np.isfinite(every).all()

    def test_candidates_get_the_scores_of_the_whole_catalogue(self, case: Case) -> None:
        every = case.ranker.score(HISTORIES, None)
        some = case.ranker.score(HISTORIES, CANDIDATES)
        np.testing.assert_allclose(
            some, np.take_along_axis(every, CANDIDATES.astype(np.int64), axis=1), atol=1e-5
        )

    def test_each_column_is_scored_as_if_alone(self, case: Case) -> None:
        turned = case.ranker.score(HISTORIES, CANDIDATES[:, ::-1].copy())
        np.testing.assert_allclose(
            turned[:, ::-1], case.ranker.score(HISTORIES, CANDIDATES), atol=1e-5
        )

    def test_other_users_in_the_batch_change_nothing(self, case: Case) -> None:
        together = case.ranker.score(HISTORIES, CANDIDATES)
        for user in range(len(HISTORIES)):
            alone = case.ranker.score(HISTORIES.take([user]), CANDIDATES[[user]])
            np.testing.assert_allclose(alone[0], together[user], atol=1e-5)

    @pytest.mark.parametrize("protocol", ["full", "sampled"])
    def test_no_way_to_cut_up_an_evaluation_moves_a_digit(self, case: Case, protocol: str) -> None:
        """Scores may differ in their last bits; what is counted and averaged does not."""
        asked = QUESTIONS
        whole = evaluated(case.ranker, asked, protocol)
        threads = torch.get_num_threads()
        for chunk in (1, 7, 32):
            assert evaluated(case.ranker, asked, protocol, chunk) == whole
        order = np.random.default_rng(8).permutation(len(asked))
        assert evaluated(case.ranker, asked.take(order), protocol, 13) == whole
        try:
            torch.set_num_threads(3 - min(threads, 2))  # 1 where there were 2, 2 where there was 1
            assert evaluated(case.ranker, asked, protocol, 5) == whole
        finally:
            torch.set_num_threads(threads)

    def test_the_same_seed_gives_the_same_scores(self, case: Case) -> None:
        assert np.array_equal(
            case.again().score(HISTORIES, None), case.ranker.score(HISTORIES, None)
        )

    def test_scoring_leaves_the_histories_alone(self, case: Case) -> None:
        before = HISTORIES.items.copy()
        case.ranker.score(HISTORIES, None)
        assert np.array_equal(HISTORIES.items, before)

    def test_checkerboard_users_get_their_own_colour(self, case: Case) -> None:
        if not case.personal:
            pytest.skip("popularity gives everybody the same")
        rows = [[start, (start + 2) % 10, (start + 4) % 10] for start in range(10)]
        scores = case.ranker.score(sequences(*rows), None)
        for row, user in zip(rows, scores, strict=True):
            colour = row[0] % 2
            own = [item for item in range(10) if item % 2 == colour and item not in row]
            other = [item for item in range(10) if item % 2 != colour]
            assert user[own].min() > user[other].max()

    def test_cold_items_in_history_or_alone_do_not_crash(self, case: Case) -> None:
        strange = sequences([COLD[0]], [COLD[0], 0, 2, COLD[1]], [0, 2], [])
        scores = case.ranker.score(strange, None)
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores[1], scores[2], atol=1e-5)

    def test_no_users_give_no_scores(self, case: Case) -> None:
        nobody = HISTORIES.take([])
        assert case.ranker.score(nobody, None).shape == (0, N_ITEMS)
        assert case.ranker.score(nobody, CANDIDATES[:0]).shape == (0, 3)

    def test_saved_and_loaded_is_the_same(self, case: Case, tmp_path: Path) -> None:
        loaded = case.reload(tmp_path / "kept")
        assert loaded.name == case.ranker.name
        assert np.array_equal(loaded.score(HISTORIES, None), case.ranker.score(HISTORIES, None))
