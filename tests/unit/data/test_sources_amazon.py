import gzip
import json

import pytest

from gistrec.data.sources.amazon import read_amazon
from gistrec.errors import DataError


def review(user, item, time, rating=5.0):
    return {
        "rating": rating, "title": "Such a lovely scent", "text": "It is {very} \"good\".\n",
        "images": [], "asin": "X", "parent_asin": item, "user_id": user, "timestamp": time,
        "helpful_vote": 0, "verified_purchase": True,
    }  # fmt: skip


def image(variant, large):
    return {"thumb": "t", "large": large, "variant": variant, "hi_res": None}


META = [
    {
        "main_category": "All Beauty", "title": "Cleanser", "average_rating": 4.8,
        "rating_number": 10, "features": ["Soft", "Mild"], "description": ["Good for all."],
        "price": 7.5, "images": [image("PT01", "http://h/side.jpg"), image("MAIN", "http://h/m.jpg")],
        "videos": [], "store": "Howard", "categories": ["Beauty", "Skin"],
        "details": {"Package": "7 x 5", "n": 1}, "parent_asin": "B01", "bought_together": None,
    },
    {
        "main_category": None, "title": None, "features": [], "description": [], "price": None,
        "images": [image("PT01", "http://h/only.jpg")], "store": None, "categories": [],
        "details": {}, "parent_asin": "B02",
    },
    {"title": "Bare", "parent_asin": "B03", "images": [], "price": "from 3.00"},
]  # fmt: skip
REVIEWS = [review("AE1", "B01", 1588687728923), review("AE1", "B02", 1588687728000, 1.0)]


def written(path, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_reviews_and_metadata_are_told_apart_and_read(tmp_path, suffix):
    written(tmp_path / f"All_Beauty{suffix}", REVIEWS)
    written(tmp_path / f"meta_All_Beauty{suffix}", META)
    raw = read_amazon([tmp_path])
    assert raw.interactions.rows() == [
        ("AE1", "B01", 1588687728923, 5.0),
        ("AE1", "B02", 1588687728000, 1.0),
    ]
    columns = ("item_id", "title", "text", "store", "image_url")
    assert raw.items.select(columns).rows() == [
        ("B01", "Cleanser", "Beauty > Skin\nSoft\nMild\nGood for all.", "Howard", "http://h/m.jpg"),
        ("B02", None, "", None, "http://h/only.jpg"),
        ("B03", "Bare", "", None, None),
    ]


def test_what_counts_later_reviews_is_left_out(tmp_path):
    files = [written(tmp_path / "r.jsonl", REVIEWS), written(tmp_path / "m.jsonl", META)]
    assert not {"average_rating", "rating_number"} & set(read_amazon(files).items.columns)


def test_several_categories_come_together(tmp_path):
    for name in ("A", "B"):
        written(tmp_path / f"{name}.jsonl", REVIEWS)
        written(tmp_path / f"meta_{name}.jsonl", META)
    raw = read_amazon([tmp_path])
    assert (raw.interactions.height, raw.items.height) == (2 * len(REVIEWS), 2 * len(META))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"user_id": "A", "parent', r"line 3: not JSON"),
        ("[1, 2]", r"line 3: a JSON list instead of an object"),
        (json.dumps(review("A", "B01", "later")), r"line 3, field 'timestamp': is 'later'"),
        (json.dumps(review("A", None, 5)), r"line 3, field 'parent_asin': is missing"),
        (json.dumps(review("A", "B01", 5, "good")), r"line 3, field 'rating': is 'good'"),
    ],
)
def test_a_malformed_review_is_named(tmp_path, line, says):
    written(tmp_path / "meta_A.jsonl", META)
    path = written(tmp_path / "A.jsonl", REVIEWS)
    path.write_text(path.read_text() + line + "\n" + json.dumps(REVIEWS[0]) + "\n")
    with pytest.raises(DataError, match=rf"A\.jsonl, {says}"):
        read_amazon([tmp_path])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"title": "no key"}, "line 4, field 'parent_asin': is missing"),
        ({"parent_asin": "B9", "features": 7}, "line 4, field 'features': 7 is not a list"),
    ],
)
def test_malformed_metadata_is_named(tmp_path, row, says):
    written(tmp_path / "A.jsonl", REVIEWS)
    written(tmp_path / "meta_A.jsonl", [*META, row])
    with pytest.raises(DataError, match=rf"meta_A\.jsonl, {says}"):
        read_amazon([tmp_path])


def test_a_gzip_file_cut_short_is_said(tmp_path):
    written(tmp_path / "meta_A.jsonl", META)
    path = written(tmp_path / "A.jsonl.gz", [review(f"u{n}", "B01", n) for n in range(5000)])
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match=r"A\.jsonl\.gz"):
        read_amazon([tmp_path])


def test_missing_metadata_is_said(tmp_path):
    with pytest.raises(DataError, match=r"no file of metadata"):
        read_amazon([written(tmp_path / "A.jsonl", REVIEWS)])
    with pytest.raises(DataError, match=r"no file of reviews"):
        read_amazon([written(tmp_path / "B.jsonl", META)])
