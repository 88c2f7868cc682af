from datetime import UTC, datetime

import polars as pl
import pytest

from gistrec.data.sources.columns import parse_column_map
from gistrec.data.sources.table import read_table
from gistrec.errors import ConfigError, DataError

LOG = "user_id,item_id,timestamp\nu1,a,5\nu1,b,6\nu2,a,7\n"
ITEMS = 'item_id,title,text,colour\na,"Apple, red",A fruit,red\nb,Book,,\n'


def written(folder, log=LOG, items=ITEMS):
    (folder / "log.csv").write_text(log)
    if items:
        (folder / "items.csv").write_text(items)
    return folder


def test_own_names_need_no_mapping_and_further_columns_stay(tmp_path):
    raw = read_table([written(tmp_path)])
    assert raw.interactions.rows() == [("u1", "a", 5), ("u1", "b", 6), ("u2", "a", 7)]
    assert raw.items.columns == ["item_id", "title", "text", "colour"]
    assert raw.items.rows()[0] == ("a", "Apple, red", "A fruit", "red")


def test_mapped_names_for_both_tables_and_for_one(tmp_path):
    log = "uid,product,when,stars\nu1,a,5,4\n"
    items = "sku,name\na,Apple\n"
    columns = parse_column_map(
        ["user_id=uid", "item_id=product", "items.item_id=sku", "title=name", "timestamp=when",
         "rating=stars"]
    )  # fmt: skip
    raw = read_table([written(tmp_path, log, items)], columns)
    assert raw.interactions.rows() == [("u1", "a", 5, 4.0)]
    assert raw.items.rows() == [("a", "Apple")]


def test_parquet_gives_what_csv_gives(tmp_path):
    raw = read_table([written(tmp_path)])
    parquet = tmp_path / "parquet"
    parquet.mkdir()
    pl.read_csv(tmp_path / "log.csv").write_parquet(parquet / "log.parquet")
    pl.read_csv(tmp_path / "items.csv").write_parquet(parquet / "items.parquet")
    again = read_table([parquet])
    assert again.interactions.equals(raw.interactions)
    assert again.items.equals(raw.items)


def test_whole_number_ids_become_text(tmp_path):
    log = pl.DataFrame({"user_id": [1, 2], "item_id": [7, 8], "timestamp": [3, 4]})
    log.write_parquet(tmp_path / "log.parquet")
    assert read_table([tmp_path / "log.parquet"]).interactions.rows() == [
        ("1", "7", 3),
        ("2", "8", 4),
    ]


def test_dates_become_milliseconds(tmp_path):
    moment = datetime(2024, 5, 17, 8, 30, tzinfo=UTC)
    milliseconds = round(moment.timestamp() * 1000)
    text = read_table([written(tmp_path, "user_id,item_id,timestamp\nu,a,2024-05-17T08:30:00\n")])
    assert text.interactions["timestamp"].to_list() == [milliseconds]
    path = tmp_path / "log.parquet"
    pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "timestamp": [moment]}).write_parquet(path)
    assert read_table([path]).interactions["timestamp"].to_list() == [milliseconds]


def test_a_log_without_times_keeps_its_order_and_says_so(tmp_path):
    raw = read_table([written(tmp_path, "user_id,item_id\nu,b\nu,a\n")])
    assert raw.interactions.rows() == [("u", "b", 0), ("u", "a", 1)]
    assert raw.notes


def test_image_paths_are_relative_to_the_catalogue(tmp_path):
    raw = read_table([written(tmp_path, items="item_id,title,image_path\na,A,pics/a.png\nb,B,\n")])
    assert raw.image_files.rows() == [("a", str(tmp_path / "pics/a.png"))]
    assert "image_path" not in raw.items.columns


def test_a_rating_may_be_missing_and_further_columns_of_the_log_are_named(tmp_path):
    log = "user_id,item_id,timestamp,rating,device\nu,a,1,,phone\nu,b,2,3.5,\n"
    raw = read_table([written(tmp_path, log)])
    assert raw.interactions["rating"].to_list() == [None, 3.5]
    assert [note.what for note in raw.notes] == ["columns of the log left out (device)"]


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (LOG + "u3,a\n", "line 5: has 2 fields"),
        (LOG + "u3,a,8,9\n", "line 5: has 4 fields"),
        (LOG + "u3,,8\n", "line 5, field 'item_id': is missing"),
        (LOG + "u3,a,eight\n", "line 5, field 'timestamp': is 'eight'"),
        ("user_id,item_id,timestamp\nu,a,2024-05-17\nu,b,17.5.24\n", "line 3.*ISO 8601"),
        ("", "empty"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, log, says):
    with pytest.raises(DataError, match=rf"log\.csv.*{says}"):
        read_table([written(tmp_path, log)])


def test_a_missing_value_in_parquet_is_named_by_row(tmp_path):
    frame = pl.DataFrame({"user_id": ["u", None], "item_id": ["a", "b"], "timestamp": [1, 2]})
    frame.write_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"log\.parquet, row 2, field 'user_id': is missing"):
        read_table([tmp_path / "log.parquet"])


def test_a_log_that_cannot_be_told_is_refused_with_what_was_seen(tmp_path):
    with pytest.raises(DataError, match=r"user column 'user_id'.*has uid, item.*--map user_id="):
        read_table([written(tmp_path, "uid,item\nu,a\n", None)])


def test_columns_separated_by_semicolons_are_named_as_such(tmp_path):
    with pytest.raises(DataError, match=r"separated by semicolons; save .* commas"):
        read_table([written(tmp_path, "user_id;item_id\nu;a\n", None)])


def test_a_file_that_is_no_text_is_refused_without_printing_it(tmp_path):
    folder = written(tmp_path)
    (folder / "items.csv").write_bytes(b"\xff\xfe\x00item_id\n")
    with pytest.raises(DataError, match=r"items\.csv: not UTF-8 text; convert") as told:
        read_table([folder])
    assert "\x00" not in str(told.value)


def test_a_mapped_column_that_is_absent_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no column 'heading'"):
        read_table([written(tmp_path)], parse_column_map(["title=heading"]))


@pytest.mark.parametrize("text", ["user_id", "=uid", "user_id=", "colour=c", "items.user_id=u"])
def test_a_mapping_of_another_form_is_refused(text):
    with pytest.raises(ConfigError, match="OURS=THEIRS"):
        parse_column_map([text])
