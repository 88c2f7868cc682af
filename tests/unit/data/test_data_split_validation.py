"""A split that asks validation has no test question in it, and is read as it was written."""

from pathlib import Path

import numpy as np
import pytest
from data_cases import dataset_of

from gistrec.config.split import SplitConfig, SplitKind
from gistrec.data.split import make_split
from gistrec.data.split_store import load_split, save_split


@pytest.mark.parametrize("kind", ["users", "last-out", "time"])
@pytest.mark.parametrize("cold_fraction", [0.0, 0.4])
def test_validation_is_asked_in_place_of_the_test(
    kind: SplitKind, cold_fraction: float, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    dataset = dataset_of([rng.permutation(30)[:9].tolist() for _ in range(60)], 40)
    config = SplitConfig(kind=kind, cold_fraction=cold_fraction, negatives=2)
    plain = make_split(dataset, config)
    split = make_split(dataset, config.model_copy(update={"asks": "validation"}))
    assert split.test is split.valid
    assert split.cold is None
    assert (split.kind, plain.kind) == (f"{kind}, validation", kind)
    assert np.array_equal(split.train.items, plain.train.items)
    assert np.array_equal(split.valid.candidates, plain.valid.candidates)
    assert np.array_equal(split.cold_items, plain.cold_items)
    assert split.fingerprint != plain.fingerprint
    save_split(split, tmp_path)
    again = load_split(tmp_path, dataset)
    assert again.fingerprint == split.fingerprint
    assert again.cold is None
    assert np.array_equal(again.test.candidates, plain.valid.candidates)
    assert not np.array_equal(again.test.candidates, plain.test.candidates)
