"""A split is saved whole, read as it was, and refused where it does not belong."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from data_cases import dataset_of

from gistrec.config.split import SplitConfig, SplitKind
from gistrec.data.dataset import Dataset
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split, make_split
from gistrec.data.split_store import load_split, save_split
from gistrec.errors import RunError

KINDS: tuple[SplitKind, ...] = ("users", "last-out", "time")


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    return dataset_of([rng.integers(0, 30, 9).tolist() for _ in range(60)], 40)


def split_of(dataset: Dataset, kind: SplitKind = "users", cold_fraction: float = 0.4) -> Split:
    return make_split(dataset, SplitConfig(kind=kind, cold_fraction=cold_fraction, negatives=2))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same_sequences(one: Sequences, other: Sequences) -> None:
    assert one.users.to_list() == other.users.to_list()
    for name in ("offsets", "items", "timestamps"):
        mine, its = getattr(one, name), getattr(other, name)
        assert mine.dtype == its.dtype
        assert np.array_equal(mine, its)


def assert_same_queries(one: Queries, other: Queries) -> None:
    assert_same_sequences(one.histories, other.histories)
    for name in ("positives", "candidates", "pool"):
        mine, its = getattr(one, name), getattr(other, name)
        assert mine.dtype == its.dtype
        assert np.array_equal(mine, its)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cold_fraction", [0.0, 0.4])
def test_what_is_saved_is_what_loads_byte_for_byte(
    kind: SplitKind, cold_fraction: float, dataset: Dataset, tmp_path: Path
) -> None:
    split = split_of(dataset, kind, cold_fraction)
    save_split(split, tmp_path / "one")
    loaded = load_split(tmp_path / "one", dataset)
    assert_same_sequences(split.train, loaded.train)
    assert_same_queries(split.valid, loaded.valid)
    assert_same_queries(split.test, loaded.test)
    assert (split.cold is None) == (loaded.cold is None) == (cold_fraction == 0)
    if split.cold is not None and loaded.cold is not None:
        assert_same_queries(split.cold, loaded.cold)
    for name in ("kind", "seed", "fingerprint", "log_fingerprint", "left_out"):
        assert getattr(split, name) == getattr(loaded, name)
    save_split(loaded, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    # What loads can be worked with: rows are taken as from a fresh split.
    assert_same_queries(split.test.take([1, 0]), loaded.test.take([1, 0]))


def test_saving_over_a_split_leaves_nothing_of_it(dataset: Dataset, tmp_path: Path) -> None:
    save_split(split_of(dataset), tmp_path / "over")
    plain = split_of(dataset, cold_fraction=0.0)
    save_split(plain, tmp_path / "over")
    save_split(plain, tmp_path / "fresh")
    assert bytes_of(tmp_path / "over") == bytes_of(tmp_path / "fresh")


def test_another_log_or_catalogue_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    save_split(split_of(dataset), tmp_path)
    rows = [row.tolist() for row in dataset.sequences()]
    rows[0][-1] = (rows[0][-1] + 1) % 30
    for other in (
        dataset_of(rows, 40),
        dataset_of([row.tolist() for row in dataset.sequences()], 41),
    ):
        with pytest.raises(RunError, match="other items or interactions"):
            load_split(tmp_path, other)


def test_a_dataset_without_its_texts_has_the_same_split(dataset: Dataset, tmp_path: Path) -> None:
    split = split_of(dataset)
    save_split(split, tmp_path)
    blank = dataset.items.with_columns(title=pl.lit(""))
    mute = Dataset(Path("mute"), dataset.card, blank, dataset.interactions, "other")
    assert load_split(tmp_path, mute).fingerprint == split.fingerprint


def test_a_damaged_split_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    save_split(split_of(dataset), tmp_path)
    table = pl.read_parquet(tmp_path / "test.parquet")
    table.with_columns(pl.col("positive").reverse()).write_parquet(tmp_path / "test.parquet")
    with pytest.raises(RunError, match="make it again"):
        load_split(tmp_path, dataset)
    (tmp_path / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match="no whole split"):
        load_split(tmp_path, dataset)
    (tmp_path / "test.parquet").unlink()
    with pytest.raises(RunError, match="no whole split"):
        load_split(tmp_path, dataset)
    with pytest.raises(RunError, match="no whole split"):
        load_split(tmp_path / "nowhere", dataset)
