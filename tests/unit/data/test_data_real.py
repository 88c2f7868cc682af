"""Public data as it comes: opened, checked and split; skipped where it is not at hand."""

from pathlib import Path

import numpy as np
import pytest
from data_cases import REAL_DATA

from gistrec.config.dataset import DatasetConfig
from gistrec.config.split import SplitConfig
from gistrec.data.checks import check_dataset
from gistrec.data.dataset import open_dataset
from gistrec.data.split import make_split


def folder_of(name: str) -> Path:
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not beside the project (shared/data/{name})")
    return folder


def test_microlens_is_sound_and_splits_into_tenths() -> None:
    folder = folder_of("microlens-50k")
    assert check_dataset(folder) == []
    dataset = open_dataset(folder)
    assert dataset.card.name == "microlens-50k"
    split = make_split(dataset, SplitConfig())
    sizes = [len(split.train), len(split.valid), len(split.test)]
    assert sizes == [40_000, 5_000, 5_000]
    assert split.train_counts.sum() == split.train.lengths.sum()


def test_movielens_posters_decode_and_ties_keep_the_order_of_the_file() -> None:
    folder = folder_of("movielens-posters")
    dataset = open_dataset(folder)
    assert [defect.field for defect in dataset.warnings] == ["timestamp"]
    assert (np.diff(dataset.interactions["position"].to_numpy())[:50] == 1).all()
    with_image = sum(dataset.image_bytes(code) is not None for code in range(0, 200))
    assert 0 < with_image <= 200
    core = open_dataset(folder, DatasetConfig(min_interactions=5))
    assert core.n_items < dataset.n_items
