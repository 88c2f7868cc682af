import numpy as np
import polars as pl
import pytest

from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.make import make_bazaar, write_bazaar
from gistrec.data.contact_sheet import contact_sheet
from gistrec.data.dataset import Card, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet") / "shop"
    return write_bazaar(folder, BazaarConfig(items=60, users=12))


def ink(picture):
    """How many pixels are not paper."""
    pixels = np.asarray(picture).astype(int)
    return int((np.abs(pixels - pixels[0, 0]).max(axis=-1) > 3).sum())


def test_same_seed_same_sheet_and_another_seed_another(dataset):
    one, again, other = (contact_sheet(dataset, n=8, seed=seed) for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_more_items_and_histories_fill_more(dataset):
    small = contact_sheet(dataset, n=4, histories=0)
    wide = contact_sheet(dataset, n=8, histories=0)
    tall = contact_sheet(dataset, n=8, histories=3)
    assert small.size == wide.size  # the same row
    assert ink(small) < ink(wide) < ink(tall)
    assert tall.height > wide.height


def test_more_than_there_are_shows_all(dataset):
    assert contact_sheet(dataset, n=60).size == contact_sheet(dataset, n=1000, histories=4).size


def test_items_without_image_broken_image_or_words_are_shown(tmp_path):
    bazaar = make_bazaar(BazaarConfig(items=60, users=12))
    long = "words " * 2000
    items = bazaar.items.with_columns(
        image=pl.Series([None, b"no image at all"] * 30, dtype=pl.Binary),
        text=pl.Series([None, long] * 30, dtype=pl.String),
        title=pl.Series([long, "Ünïcödé 漢字"] * 30),
    )
    dataset = write_dataset(tmp_path / "odd", items, bazaar.interactions, Card(name="odd"))
    assert ink(contact_sheet(dataset, n=8, histories=1)) > 0
