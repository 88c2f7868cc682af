from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from gistrec.baselines import ease
from gistrec.baselines.ease import Ease
from gistrec.config.baselines import EaseConfig
from gistrec.data.sequences import Sequences
from gistrec.errors import ConfigError


def random_log(users: int, n_items: int) -> Sequences:
    rng = np.random.default_rng(4)
    rows = [rng.permutation(n_items)[: rng.integers(1, n_items)] for _ in range(users)]
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    items = np.concatenate(rows).astype(np.int32)
    names = pl.Series([str(index) for index in range(users)])
    return Sequences(names, offsets, items, np.zeros(len(items), dtype=np.int64))


def dense(log: Sequences, n_items: int) -> npt.NDArray[np.float64]:
    matrix = np.zeros((len(log), n_items))
    matrix[log.rows(), log.items] = 1.0
    return matrix


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_are_those_of_the_closed_form(dtype: str) -> None:
    log, l2 = random_log(30, 6), 2.5
    x = dense(log, 6)
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(6))
    weights = np.eye(6) - inverse / np.diag(inverse)
    fitted = Ease.fit(log, 6, EaseConfig.model_validate({"l2": l2, "dtype": dtype}))
    np.testing.assert_allclose(fitted.score(log, None), x @ weights, atol=1e-4)
    assert fitted.weights.dtype == dtype


def test_mirroring_in_blocks_is_mirroring(monkeypatch: pytest.MonkeyPatch) -> None:
    log = random_log(40, 9)
    whole = Ease.fit(log, 9, EaseConfig(l2=1.0)).weights
    monkeypatch.setattr(ease, "_MIRROR_ROWS", 4)
    assert np.array_equal(Ease.fit(log, 9, EaseConfig(l2=1.0)).weights, whole)


def test_unknown_items_get_zero_and_change_nothing() -> None:
    log = random_log(30, 6)
    small, large = (Ease.fit(log, n, EaseConfig(l2=1.0)) for n in (6, 9))
    scores = large.score(log, None)
    assert np.array_equal(scores[:, 6:], np.zeros((30, 3)))
    np.testing.assert_allclose(scores[:, :6], small.score(log, None), atol=1e-6)


def test_a_catalogue_too_large_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ConfigError, match=r"ease: 6 items .* max_items = 5 .* raise ease.max_items"
    ):
        Ease.fit(random_log(30, 6), 6, EaseConfig(max_items=5))


def test_saved_float64_stays_float64(tmp_path: Path) -> None:
    fitted = Ease.fit(random_log(30, 6), 6, EaseConfig(dtype="float64"))
    fitted.save(tmp_path)
    assert np.array_equal(Ease.load(tmp_path).weights, fitted.weights)
