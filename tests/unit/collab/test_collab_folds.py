import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.collab.folds import fold_of, out_of_fold_neighbours, outside
from gistrec.config.collab import CollabConfig
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError

N_ITEMS = 30
ITEM_IDS = pl.Series([str(code) for code in range(N_ITEMS)])


class Witness:
    """An encoder that remembers whom it was asked about."""

    def __init__(self, seed: int) -> None:
        self.vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, 5)).astype(np.float32)
        self.seen: set[str] = set()

    def encode(self, histories: Sequences) -> np.ndarray:
        self.seen |= set(histories.users)
        return np.stack([self.vectors[items].sum(axis=0) for items in histories])


@pytest.fixture
def train() -> Sequences:
    rng = np.random.default_rng(2)
    lengths = rng.integers(2, 9, 20)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = rng.integers(0, N_ITEMS, offsets[-1]).astype(np.int32)
    return Sequences(
        pl.Series([f"u{row}" for row in range(20)]), offsets, items, np.arange(offsets[-1])
    )


@given(
    users=st.lists(st.text(max_size=5), min_size=1, max_size=40, unique=True),
    folds=st.integers(2, 5),
    seed=st.integers(0, 99),
)
def test_folds_are_even_and_do_not_depend_on_order(users: list, folds: int, seed: int) -> None:
    fold = fold_of(pl.Series(users), folds, seed)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(fold_of(pl.Series(users[::-1]), folds, seed), fold[::-1])


def test_each_user_is_read_by_the_encoder_of_its_fold_and_meets_other_folds(train) -> None:
    config = CollabConfig(folds=3, neighbours=2, max_moments=None)
    fold = fold_of(train.users, 3, config.seed)
    encoders = [Witness(seed) for seed in range(3)]
    rows = np.arange(len(train))[::-1].copy()
    moments = train.lengths[rows] - 1
    table = out_of_fold_neighbours(encoders, train, rows, moments, ITEM_IDS, config)
    of = dict(zip(train.users, fold.tolist(), strict=True))
    assert all(of[a] != of[b] for a, b in table.select("user_id", "neighbour").iter_rows())
    assert table["user_id"].unique(maintain_order=True).to_list() == list(train.users)[::-1]
    assert table.group_by("user_id").len()["len"].to_list() == [2] * len(train)
    assert table["moment"].gather_every(2).to_list() == moments.tolist()


def test_an_encoder_that_never_trained_on_a_fold_reads_it(train) -> None:
    """The similarity shown is that of the fold's own encoder."""
    config = CollabConfig(folds=2, neighbours=1, max_moments=None)
    fold = fold_of(train.users, 2, config.seed)
    encoders = [Witness(seed) for seed in range(2)]
    row = 4
    table = out_of_fold_neighbours(
        encoders, train, np.array([row]), np.array([1]), ITEM_IDS, config
    )
    vectors = encoders[fold[row]].vectors
    own = vectors[train[row][0]]
    others = [
        vectors[train[other][:moment]].sum(axis=0)
        for other in np.flatnonzero(fold != fold[row])
        for moment in range(1, len(train[other]))
    ]
    cosine = [own @ o / np.linalg.norm(own) / np.linalg.norm(o) for o in others]
    assert table["similarity"].item() == pytest.approx(max(cosine), abs=1e-6)
    assert encoders[1 - fold[row]].seen == set()


def test_outside_leaves_the_fold_out(train) -> None:
    fold = fold_of(train.users, 2, 0)
    assert not set(outside(train, fold, 0).users) & set(train.users.filter(pl.Series(fold == 0)))


def test_asking_twice_answers_once(train) -> None:
    config = CollabConfig(folds=2, neighbours=2)
    rows, moments = np.array([3, 3]), np.array([1, 1])
    table = out_of_fold_neighbours([Witness(0), Witness(1)], train, rows, moments, ITEM_IDS, config)
    assert len(table) == 2


def test_a_wrong_number_of_encoders_is_refused(train) -> None:
    with pytest.raises(RunError, match="1 encoders for 2 folds"):
        out_of_fold_neighbours(
            [Witness(0)], train, np.array([0]), np.array([1]), ITEM_IDS, CollabConfig()
        )
