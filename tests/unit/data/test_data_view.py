"""What a run may see of a dataset: halves of the catalogue, images at other items."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gistrec.config.dataset import DatasetConfig
from gistrec.data.dataset import Card, Dataset, open_dataset, write_dataset
from gistrec.errors import DataError

ITEMS = 9
PICTURES = [f"picture {code}".encode() if code % 3 else None for code in range(ITEMS)]


def shop(folder: Path) -> Path:
    """Six users who chose every item; every third item has no image."""
    ids = [f"i{code}" for code in range(ITEMS)]
    rows = [
        (f"u{user}", ids[(user + step) % ITEMS], step) for user in range(6) for step in range(ITEMS)
    ]
    items = pl.DataFrame({"item_id": ids, "title": ids, "image": PICTURES})
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return write_dataset(folder, items, log, Card("shop")).folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("view") / "shop")


def images(dataset: Dataset) -> list[bytes | None]:
    return [dataset.encoded_image(code) for code in range(dataset.n_items)]


@given(seed=st.integers(0, 1000))
def test_shuffled_images_are_those_of_other_items(folder: Path, seed: int) -> None:
    seen = images(open_dataset(folder, DatasetConfig(shuffle="images", seed=seed)))
    assert [image is None for image in seen] == [image is None for image in PICTURES]
    owned, moved = ([image for image in row if image] for row in (PICTURES, seen))
    assert sorted(moved) == sorted(owned)
    assert not any(one == other for one, other in zip(owned, moved, strict=True))


def test_the_same_seed_shuffles_alike_and_another_otherwise(folder: Path) -> None:
    def of(seed: int) -> Dataset:
        return open_dataset(folder, DatasetConfig(shuffle="images", seed=seed))

    assert images(of(3)) == images(of(3))
    assert images(of(3)) != images(of(4))
    assert of(3).fingerprint == of(3).fingerprint != of(4).fingerprint
    assert of(3).title(0) == "i0"


def test_images_that_lie_in_files_are_shuffled_too(tmp_path: Path) -> None:
    folder = shop(tmp_path / "files")
    names = [f"{code}.png" if code % 3 else None for code in range(ITEMS)]
    for name, image in zip(names, PICTURES, strict=True):
        if name and image:
            (folder / name).write_bytes(image)
    items = pl.read_parquet(folder / "items.parquet").drop("image")
    items.with_columns(image_path=pl.Series(names)).write_parquet(folder / "items.parquet")
    seen = images(open_dataset(folder, DatasetConfig(shuffle="images")))
    assert sorted(image for image in seen if image) == sorted(i for i in PICTURES if i)
    assert all(one is None or one != other for one, other in zip(seen, PICTURES, strict=True))


@given(seed=st.integers(0, 1000))
def test_two_halves_are_the_whole_and_share_no_item(folder: Path, seed: int) -> None:
    first, second = (
        open_dataset(folder, DatasetConfig(part=part, seed=seed))
        for part in ("first-half", "second-half")
    )
    whole = open_dataset(folder)
    ids = [*first.item_ids, *second.item_ids]
    assert sorted(ids) == sorted(whole.item_ids)
    assert (first.n_items, second.n_items) == (5, 4)
    rows = [row for part in (first, second) for row in part.interactions.rows()]
    assert sorted(rows) == sorted(whole.interactions.rows())
    for part in (first, second):
        chosen = set(part.interactions["item_id"])
        assert chosen <= set(part.item_ids)
        for history in part.sequences():
            assert len(history) == part.n_items  # each user chose every item
    assert len({whole.fingerprint, first.fingerprint, second.fingerprint}) == 3


def test_what_a_half_leaves_out_is_counted(folder: Path) -> None:
    seen = open_dataset(folder, DatasetConfig(part="second-half"))
    left = {defect.field: defect.count for defect in seen.warnings if "second-half" in defect.what}
    assert left == {"item_id": 5, "": 6 * 5}


def test_the_core_is_that_of_the_half(folder: Path) -> None:
    with pytest.raises(DataError, match="min_interactions"):
        open_dataset(folder, DatasetConfig(part="second-half", min_interactions=7))
    assert open_dataset(folder, DatasetConfig(min_interactions=6)).n_items == ITEMS


def test_a_seed_that_draws_nothing_changes_nothing(folder: Path) -> None:
    plain, seeded = (open_dataset(folder, DatasetConfig(seed=seed)) for seed in (0, 5))
    assert plain.fingerprint == seeded.fingerprint


def test_images_cannot_be_withheld_and_shuffled() -> None:
    with pytest.raises(ValidationError, match="at once"):
        DatasetConfig(withhold="images", shuffle="images")
