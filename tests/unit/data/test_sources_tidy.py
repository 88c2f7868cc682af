import polars as pl
import pytest

from gistrec.data.sources.raw import Raw
from gistrec.data.sources.tidy import tidied
from gistrec.errors import DataError


def raw(rows, items=(("a", "A"), ("b", None), ("c", "C"), ("a", "again"))):
    return Raw(
        pl.DataFrame(items, schema={"item_id": pl.String, "title": pl.String}, orient="row"),
        pl.DataFrame(
            rows,
            schema={
                "user_id": pl.String,
                "item_id": pl.String,
                "timestamp": pl.Int64,
                "rating": pl.Float64,
            },
            orient="row",
        ),
        "item",
        "chose",
        "test",
    )


ROWS = [
    ("u", "a", 1, 5.0),
    ("u", "a", 1, 5.0),
    ("u", "a", 2, 5.0),
    ("v", "z", 3, 1.0),
    ("v", "b", 4, None),
]


def counted(notes):
    return {note.what: note.count for note in notes}


def test_only_exact_duplicates_fall_out_and_are_counted():
    tidy = tidied(raw(ROWS))
    assert tidy.interactions.height == len(ROWS) - 1
    assert tidy.rows_read == len(ROWS)
    assert counted(tidy.dropped) == {"exact duplicates of another row": 1}


def test_items_of_the_log_without_metadata_get_an_empty_title():
    tidy = tidied(raw(ROWS))
    assert tidy.items.rows() == [("a", "A"), ("b", ""), ("c", "C"), ("z", "")]
    assert counted(tidy.notes) == {
        "further rows of an item already described, left out": 1,
        "items of the log without metadata, kept with an empty title": 1,
        "described items with an empty title, kept": 1,
        "items that nobody chose, kept": 1,
    }


def test_where_no_item_has_words_none_is_called_described():
    notes = counted(tidied(raw(ROWS, [("a", None), ("b", ""), ("z", None)])).notes)
    assert notes == {"items without words, kept": 3}


def test_low_ratings_fall_out_when_asked():
    tidy = tidied(raw(ROWS), min_rating=4)
    assert tidy.interactions["rating"].to_list() == [5.0, 5.0]
    assert sum(note.count for note in tidy.dropped) == len(ROWS) - 2


def test_items_that_nobody_chose_fall_out_when_asked():
    assert tidied(raw(ROWS), only_seen=True).items["item_id"].to_list() == ["a", "b", "z"]


def test_nothing_left_is_an_error():
    with pytest.raises(DataError, match=r"none of 5 interactions remains.*--min-rating"):
        tidied(raw(ROWS), min_rating=6)
    with pytest.raises(DataError, match="holds no interaction"):
        tidied(raw([]))


def test_ratings_asked_of_a_log_without_are_an_error():
    unrated = raw(ROWS)
    bare = Raw(unrated.items, unrated.interactions.drop("rating"), "item", "chose", "test")
    with pytest.raises(DataError, match="--min-rating needs ratings"):
        tidied(bare, min_rating=1)
