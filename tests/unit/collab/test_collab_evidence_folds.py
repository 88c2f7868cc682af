import numpy as np
import polars as pl
import pytest
from scipy import sparse

from gistrec.collab.evidence import Evidence
from gistrec.collab.evidence_folds import out_of_fold_evidence
from gistrec.collab.folds import fold_of
from gistrec.config.evidence import EvidenceConfig
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError

N_ITEMS = 20
FOLD = np.array([0, 1, 2])  # of users nobody asks about


class Witness:
    """An encoder that remembers whom it was asked about."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.table = rng.normal(size=(N_ITEMS, N_ITEMS)).astype(np.float32)
        self.known = np.ones(N_ITEMS, dtype=np.bool_)
        self.seen: set[str] = set()

    def score(self, histories: Sequences, candidates: None) -> np.ndarray:
        self.seen |= set(histories.users)
        return np.stack([self.table[items[-1]] for items in histories])


@pytest.fixture
def train() -> Sequences:
    rng = np.random.default_rng(4)
    logs = [rng.choice(N_ITEMS, rng.integers(2, 8), replace=False) for _ in range(15)]
    offsets = np.cumsum([0, *map(len, logs)]).astype(np.int64)
    items = np.concatenate(logs).astype(np.int32)
    ids = pl.Series([f"u{row}" for row in range(len(logs))])
    return Sequences(ids, offsets, items, np.arange(len(items)))


@pytest.fixture
def evidence(train: Sequences) -> Evidence:
    alike = sparse.csr_array(np.roll(np.eye(N_ITEMS, dtype=bool), 1, axis=1))
    return Evidence.of_log(train, N_ITEMS, Witness(99), alike, EvidenceConfig())


def test_every_window_is_told_by_the_encoder_that_never_saw_its_user(
    train: Sequences, evidence: Evidence
) -> None:
    encoders = [Witness(seed) for seed in range(3)]
    rows = np.array([7, 3, 7, 12, 0, 14, 3])
    moments = np.array([1, 1, 1, 1, 1, 1, 1])
    candidates = [[1, 2], [3], [], [4, 5, 6], [7], [8, 9], [10]]
    fold = fold_of(train.users, 3, 2)
    told = out_of_fold_evidence(evidence, encoders, rows, moments, candidates, fold)
    assert told.encoder is not None
    assert told.shared is not None
    assert np.diff(told.offsets).tolist() == [2, 1, 0, 3, 1, 2, 1]
    for window, (row, codes) in enumerate(zip(rows, candidates, strict=True)):
        own = Evidence(evidence.log, Witness(int(fold[row])), evidence.alike, evidence.config)
        one = own.of(train.prefixes([row], [1]), [codes], np.array([row]))
        assert one.shared is not None
        part = slice(told.offsets[window], told.offsets[window + 1])
        np.testing.assert_array_equal(told.encoder[part], one.encoder)
        np.testing.assert_array_equal(told.shared.users[part], one.shared.users)
        np.testing.assert_array_equal(told.shared.places[part], one.shared.places)
    for which, encoder in enumerate(encoders):
        assert encoder.seen == {train.users[int(row)] for row in rows if fold[row] == which}
    assert evidence.encoder.seen == set()


def test_what_comes_after_the_moment_is_not_looked_at(train: Sequences, evidence: Evidence) -> None:
    """Evidence of a window is the same whatever its user chose later."""
    encoders = [Witness(seed) for seed in range(3)]
    row = 5
    kept = np.flatnonzero(train.rows() != row)
    first = int(train.offsets[row])
    cut = Sequences(
        train.users,
        train.offsets - np.where(np.arange(len(train) + 1) > row, train.lengths[row] - 1, 0),
        train.items[np.sort([*kept, first])],
        train.timestamps[np.sort([*kept, first])],
    )
    assert cut[row].tolist() == [train.items[first]]
    other = Evidence.of_log(cut, N_ITEMS, evidence.encoder, evidence.alike, evidence.config)
    candidates = np.arange(N_ITEMS, dtype=np.int32)[None]
    ask = (np.array([row]), np.array([1]), candidates, fold_of(cut.users, 3, 2))
    whole, before = (out_of_fold_evidence(made, encoders, *ask) for made in (evidence, other))
    assert whole.shared is not None
    assert before.shared is not None
    np.testing.assert_array_equal(whole.shared.users, before.shared.users)
    np.testing.assert_array_equal(whole.shared.places, before.shared.places)
    np.testing.assert_array_equal(whole.popularity, before.popularity)
    np.testing.assert_array_equal(whole.encoder, before.encoder)


def test_no_window_at_all(evidence: Evidence) -> None:
    nothing = np.empty(0, dtype=np.int64)
    told = out_of_fold_evidence(
        evidence, [Witness(seed) for seed in range(3)], nothing, nothing, [], FOLD
    )
    assert len(told) == 0


def test_a_wrong_number_of_encoders_is_refused(evidence: Evidence) -> None:
    row = np.array([1])
    with pytest.raises(RunError, match="1 encoders for 3 folds"):
        out_of_fold_evidence(evidence, [Witness(0)], row, row, [[1]], FOLD)
