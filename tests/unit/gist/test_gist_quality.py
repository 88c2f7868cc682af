import numpy as np
import polars as pl
import pytest

from gistrec import schema
from gistrec.gist import retrieval as module
from gistrec.gist.quality import GistQuality, only_in_image, quality
from gistrec.gist.retrieval import retrieval
from gistrec.text.encoder import open_sentence_encoder

TEXTS = ["red leather sofa", "tall green lamp", "wool gloves", ""]
ENCODER = open_sentence_encoder("lsa", TEXTS)


def table(
    image: list[list[str] | None], text: list[list[str] | None], failed: tuple[int, ...] = ()
) -> pl.DataFrame:
    """Gists; None where nothing was asked, ``failed`` are rows whose image answer was no list."""
    return pl.DataFrame(
        {
            schema.ITEM_ID: [f"i{code}" for code in range(len(image))],
            schema.IMAGE_KEYWORDS: [words or [] for words in image],
            schema.TEXT_KEYWORDS: [words or [] for words in text],
            schema.IMAGE_VALID: [
                None if words is None else code not in failed for code, words in enumerate(image)
            ],
            schema.TEXT_VALID: [None if words is None else True for words in text],
        },
        schema_overrides={
            schema.IMAGE_KEYWORDS: pl.List(pl.String),
            schema.TEXT_KEYWORDS: pl.List(pl.String),
        },
    )


def test_gists_that_tell_their_items_are_found_first() -> None:
    found = retrieval(["sofa", "lamp, green", "gloves", "sofa"], TEXTS, ENCODER)
    assert found is not None
    assert (found.among, found.hit_1, found.hit_10, found.mrr) == (3, 1, 1, pytest.approx(1))


def test_places_count_and_ties_are_shared() -> None:
    """The first gist tells another item, the second nothing, the third its own."""
    found = retrieval(["lamp", "", "wool"], TEXTS[:3], ENCODER)
    assert found is not None
    assert found.hit_1 == pytest.approx((0 + 1 / 3 + 1) / 3)
    second_or_third = (1 / 2 + 1 / 3) / 2  # sofa and gloves are as far from lamp
    assert found.mrr == pytest.approx((second_or_third + (1 + 1 / 2 + 1 / 3) / 3 + 1) / 3)


def test_in_portions_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).choice(list("abcdefghij"), (40, 3))
    texts = [" ".join(row) for row in words.tolist()]
    gists = [text[:3] for text in texts]
    encoder = open_sentence_encoder("lsa", texts)
    whole = retrieval(gists, texts, encoder)
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert retrieval(gists, texts, encoder) == whole
    monkeypatch.setattr(module, "_MOST", 25)
    sample = retrieval(gists, texts, encoder)
    assert sample is not None
    assert sample.among == 25


def test_what_only_images_show_is_looked_for_where_there_is_an_image() -> None:
    gists = table([["red", "soft sofa"], ["dark green"], None, ["sofa"]], [[], [], ["red"], []])
    whole = [["red", "soft sofa"], ["dark green"], ["red"], ["sofa"]]
    hidden = pl.DataFrame(
        {
            schema.ITEM_ID: ["i3", "i2", "i1", "i0"],
            "colour": ["red", "red", "green", "red"],
            "pattern": ["plain", "plain", "dotted", "dotted"],
        }
    )
    assert only_in_image(gists, whole, hidden) == {"colour": 2 / 3, "pattern": 0}


def test_all_of_it_on_a_table() -> None:
    gists = table(
        [["red"], [], None, ["blue", "blue sky"]],
        [["sofa", "soft"], ["lamp"], ["gloves"], None],
        failed=(1,),
    )
    hidden = pl.DataFrame({schema.ITEM_ID: ["i0", "i3"], "colour": ["red", "red"]})
    found = quality(gists, TEXTS, ENCODER, hidden)
    assert found.image_valid == pytest.approx(2 / 3)
    assert found.text_valid == 1
    assert found.image_keywords == pytest.approx((1 + 0 + 2) / 3)
    assert found.text_keywords == pytest.approx((2 + 1 + 1) / 3)
    assert found.copied == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found.repeated == pytest.approx((0 + 0 + 0 + 1 / 3) / 4)
    assert (found.distinct, found.most_frequent) == (1, 1 / 4)
    assert found.only_in_image == {"colour": 1 / 2}
    told = dict(found.told())
    assert told["colour, in the image alone, told"] == "50.0%"
    assert told["image answers that are lists"] == "66.7%"
    assert GistQuality.model_validate_json(found.model_dump_json()) == found


def test_a_catalogue_of_nothing() -> None:
    found = quality(table([None, None], [None, None]), ["", ""], ENCODER)
    assert found.retrieval is None
    assert (found.image_valid, found.text_keywords, found.copied) == (None, None, 0)
    assert found.told()
