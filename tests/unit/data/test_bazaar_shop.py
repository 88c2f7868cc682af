import io
import re
import zlib

import numpy as np
import polars as pl
import pytest
from PIL import Image
from pydantic import ValidationError

from gistrec.config.bazaar import BazaarConfig, DriftRates
from gistrec.data.bazaar.catalogue import make_catalogue, shop_items
from gistrec.data.bazaar.make import make_bazaar, write_bazaar
from gistrec.data.bazaar.shoppers import columns
from gistrec.data.bazaar.truth import open_truth
from gistrec.data.bazaar.words import CIRCLES, COLOURS, KINDS, MATERIALS, PATTERNS, STYLES
from gistrec.errors import DataError

SMALL = BazaarConfig(items=300, users=400, seed=1)


@pytest.fixture(scope="module")
def bazaar():
    return make_bazaar(SMALL)


def words_of(frame):
    joined = " ".join(frame["title"].to_list() + [text or "" for text in frame["text"]])
    return set(re.findall(r"[a-z]+", joined.lower()))


def test_same_seed_same_bytes(tmp_path):
    config = BazaarConfig(items=60, users=30, seed=4)
    sums = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write_bazaar(folder, config)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums.append([(str(f.relative_to(folder)), zlib.crc32(f.read_bytes())) for f in files])
    assert sums[0] == sums[1]
    assert {"truth/items.parquet", "truth/moments.parquet"} <= {name for name, _ in sums[0]}


def test_another_seed_another_bazaar(bazaar):
    other = make_bazaar(SMALL.model_copy(update={"seed": 2}))
    assert not other.items.equals(bazaar.items)
    assert not other.interactions.equals(bazaar.interactions)


def test_shop_shows_nothing_but_id_title_text_image(bazaar):
    assert bazaar.items.columns == ["item_id", "title", "text", "image"]
    assert bazaar.interactions.columns == ["user_id", "item_id", "timestamp"]


def test_words_for_what_only_the_image_shows_are_in_no_text(bazaar):
    assert not words_of(bazaar.items) & {*COLOURS, *PATTERNS}


def test_circles_are_in_no_text(bazaar):
    assert not words_of(bazaar.items) & set(CIRCLES)


def test_titles_name_the_kind_and_are_unique(bazaar):
    kinds = bazaar.truth.items["kind"].to_list()
    for title, kind in zip(bazaar.items["title"], kinds, strict=True):
        assert title.split()[1] == kind
    assert bazaar.items["title"].n_unique() == bazaar.items.height


def test_texts_name_style_and_material_and_not_the_kind(bazaar):
    truth = bazaar.truth.items
    for text, style, material in zip(
        bazaar.items["text"], truth["style"], truth["material"], strict=True
    ):
        if text is not None:
            found = set(re.findall(r"[a-z]+", text.lower()))
            assert found & set(STYLES) == {style}
            assert found & set(MATERIALS) == {material}
            assert not found & set(KINDS)


def test_articles_fit():
    texts = make_bazaar(BazaarConfig(items=400, users=1)).items["text"].drop_nulls()
    assert not texts.str.contains(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]").any()


def test_images_are_drawings_of_the_asked_size(bazaar):
    for encoded in bazaar.items["image"].drop_nulls().head(5):
        with Image.open(io.BytesIO(encoded)) as picture:
            assert (picture.size, picture.format) == ((64, 64), "PNG")


def test_circle_changes_nothing_of_what_is_shown(bazaar):
    catalogue = make_catalogue(SMALL)
    catalogue.codes["circle"][:] = 0
    assert shop_items(catalogue, SMALL).equals(bazaar.items)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_gaps_are_as_wide_as_asked(share):
    config = BazaarConfig(items=500, users=1, without_image=share, without_text=share)
    items = make_bazaar(config).items
    for column in ("image", "text"):
        spread = 4 * np.sqrt(share * (1 - share) / 500)  # 4 standard deviations of a share
        assert items[column].null_count() / 500 == pytest.approx(share, abs=spread)


def test_events_are_in_time_order_and_nothing_is_bought_twice(bazaar):
    log = bazaar.interactions
    later = log.group_by("user_id").agg((pl.col("timestamp").diff().drop_nulls() > 0).all())
    assert later["timestamp"].all()
    assert log.select("user_id", "item_id").is_duplicated().sum() == 0
    lengths = log.group_by("user_id").len()["len"]
    assert (log["user_id"].n_unique(), lengths.min(), lengths.max()) == (400, 8, 12)


def test_truth_has_one_moment_more_than_purchases(bazaar):
    log = bazaar.interactions.group_by("user_id").agg("timestamp")
    moments = bazaar.truth.moments.group_by("user_id").agg("moment", "since")
    both = log.join(moments, on="user_id")
    assert both.height == 400
    for _, timestamps, moment, since in both.iter_rows():
        assert moment == list(range(len(timestamps) + 1))
        assert since == [None, *timestamps]


def test_purchases_follow_the_taste_of_their_moment(bazaar):
    numbered = bazaar.interactions.with_columns(moment=pl.int_range(pl.len()).over("user_id")).join(
        bazaar.truth.items, on="item_id"
    )
    bought = numbered.join(bazaar.truth.moments, on=["user_id", "moment"], suffix="_liked")
    by_chance = {
        "kind": 4 / 24, "colour": 3 / 8, "pattern": 2 / 5, "style": 3 / 6, "material": 2 / 5,
        "circle": 1 / 6,
    }  # fmt: skip
    for name, chance in by_chance.items():
        hits = bought.select(pl.col(name).is_in(pl.col(f"{name}_liked"))).to_series()
        assert hits.mean() > chance + 0.15, name


def test_tastes_drift_at_the_asked_rate(bazaar):
    liked = bazaar.truth.liked()[:, columns()["kind"]]
    same_user = np.diff(bazaar.truth.moments["moment"].to_numpy()) == 1
    changes = (liked[1:] != liked[:-1]).sum(axis=1)[same_user]
    assert set(np.unique(changes)) == {0, 2}  # one value leaves, another comes
    rate = 0.08
    spread = 4 * np.sqrt(rate * (1 - rate) / len(changes))  # 4 standard deviations of a share
    assert (changes > 0).mean() == pytest.approx(rate, abs=spread)
    assert (liked.sum(axis=1) == 4).all()


def test_without_drift_tastes_stay():
    still = DriftRates(kind=0, colour=0, pattern=0, style=0, material=0)
    truth = make_bazaar(BazaarConfig(items=50, users=20, drift=still)).truth
    kinds = truth.moments.group_by("user_id").agg(pl.col("kind").n_unique())
    assert (kinds["kind"] == 1).all()


def test_circles_are_in_the_co_consumption(bazaar):
    items = bazaar.truth.items.select("item_id", "circle")
    shuffled = items.with_columns(pl.col("circle").shuffle(seed=0))

    def concentration(circles):
        users = bazaar.interactions.join(circles, on="item_id").group_by("user_id")
        return users.agg(pl.col("circle").unique_counts().max() / pl.len())["circle"].mean()

    assert concentration(items) > concentration(shuffled) + 0.04  # shares of a user's purchases


def test_truth_survives_the_disk(tmp_path, bazaar):
    bazaar.truth.write(tmp_path)
    read = open_truth(tmp_path)
    assert read.items.equals(bazaar.truth.items)
    assert read.moments.equals(bazaar.truth.moments)
    assert read.config == SMALL


def test_missing_truth_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="gistrec data bazaar"):
        open_truth(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"shortest": 9, "longest": 8}, {"items": 40, "longest": 40}, {"shops": 3}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        BazaarConfig(**wrong)
