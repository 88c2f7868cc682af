"""How good tastes are, by words, by blocks and by the truth."""

import polars as pl
import pytest

from gistrec import schema
from gistrec.taste.quality import held, kept, keyword_count, taste_quality

ITEMS = ["red sofa", "blue lamp", "A red chair about oak."]
HISTORIES = {"u": [0, 2, 1], "v": [1]}


def table(*rows: tuple[str, int, int, str, bool | None]) -> pl.DataFrame:
    columns = (
        schema.USER_ID,
        schema.MOMENT,
        schema.BLOCK,
        schema.TASTE,
        schema.TASTE_VALID,
    )
    return pl.DataFrame(rows, schema=columns, orient="row")


TASTES = table(
    ("u", 0, 0, "", None),
    ("u", 2, 1, "Prefers red, sofa.", True),
    ("u", 3, 2, "Prefers red, lamp, blue.", True),
    ("v", 1, 1, "Prefers red, sofa.", False),
)
TRUTH = pl.DataFrame(
    {
        schema.USER_ID: ["u", "u", "v", "w"],
        schema.MOMENT: [2, 3, 1, 5],
        "colour": [["red"], ["red", "green"], ["blue"], ["black"]],
        "kind": [["sofa", "chair"], ["lamp"], ["lamp"], []],
    }
)


def test_what_is_told_is_held_against_what_is_liked() -> None:
    liked = [frozenset({"red", "sofa"}), frozenset({"blue"})]
    attributes = frozenset({"red", "sofa", "blue", "lamp"})
    found = held([("red", "lamp", "prefers"), ("lamp",)], liked, attributes)
    assert found.precision == 1 / 3  # of red, lamp and lamp
    assert found.recall == 1 / 3  # of red, sofa and blue
    assert found.f1 == pytest.approx(1 / 3)
    assert held([], [], attributes).f1 == 0.0


def test_the_keyword_count_weighs_late_items_more() -> None:
    history = [("red", "sofa"), ("green", "sofa"), ("blue", "lamp")]
    # sofa 0.81 + 0.9, blue and lamp 1, green 0.9, red 0.81
    assert keyword_count(history, 9) == ("sofa", "blue", "lamp", "green", "red")
    assert keyword_count(history, 2) == ("sofa", "blue")
    assert keyword_count([], 2) == ()


def test_words_kept_are_those_of_the_block_before() -> None:
    tastes = table(
        ("u", 2, 1, "red", True),  # not the last of its block
        ("u", 3, 1, "red sofa", True),
        ("u", 4, 2, "red lamp", True),  # red of red and sofa
        ("u", 7, 3, "red lamp blue", True),  # both
        ("v", 4, 2, "red", True),
        ("v", 12, 4, "red", True),  # not the block after
    )
    assert kept(tastes) == (1 / 2 + 2 / 2) / 2
    assert kept(tastes.filter(pl.col(schema.USER_ID) == "v")) is None


def test_quality_of_a_table() -> None:
    found = taste_quality(TASTES, HISTORIES, ITEMS, 3, TRUTH)
    assert found.tastes == 3
    assert found.words == (2 + 3 + 2) / 3
    assert found.distinct == 2 / 3
    assert found.valid == 2 / 3
    assert found.kept == 1 / 2  # of red and sofa
    assert found.true is not None
    assert found.true.precision == (2 + 2 + 0) / (2 + 3 + 2)
    assert found.true.recall == (2 + 2 + 0) / (3 + 3 + 2)
    # Three words of items: red, chair and oak or sofa; then blue, lamp and red; blue and lamp.
    assert found.counted is not None
    assert found.counted.recall == (2 + 2 + 2) / (3 + 3 + 2)
    told = dict(found.told())
    assert told["tastes"] == "3"
    assert told["told words that are liked"] == "57.1%"
    assert told["liked values that are told, by a keyword count"] == "75.0%"


def test_quality_without_the_truth_and_without_tastes() -> None:
    found = taste_quality(TASTES, HISTORIES, ITEMS, 3)
    assert (found.true, found.counted) == (None, None)
    nothing = taste_quality(TASTES.clear(), HISTORIES, ITEMS, 3, TRUTH)
    assert (nothing.tastes, nothing.words, nothing.kept, nothing.true) == (0, 0.0, None, None)
