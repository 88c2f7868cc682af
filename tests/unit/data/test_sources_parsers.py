"""Whatever a file holds, a parser gives every row of it or says which line is at fault."""

import csv
import io
import re

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gistrec.data.sources.delimited import Csv, Split
from gistrec.data.sources.fields import Field, Kind, read_fields
from gistrec.data.sources.json_lines import JsonLines
from gistrec.data.sources.microlens import read_microlens
from gistrec.errors import DataError

FIELDS = (
    Field("user_id", "u", Kind.ID),
    Field("item_id", "i", Kind.ID),
    Field("rating", "r", Kind.NUMBER, required=False),
    Field("timestamp", "t", Kind.TIME),
)
NAMES = ("u", "i", "r", "t")
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ids = st.text("abc019 é_-", min_size=1, max_size=5)
ratings = st.none() | st.floats(-1e6, 1e6)
times = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(ids, ids, ratings, times), min_size=1, max_size=8)


def as_text(value):
    return "" if value is None else str(value)


@SETTINGS
@given(rows)
def test_split_lines_give_back_what_was_written(tmp_path, written):
    path = tmp_path / "log.dat"
    path.write_text("".join("::".join(map(as_text, row)) + "\n" for row in written), "utf-8")
    assert read_fields(Split(path, "::", NAMES), FIELDS).rows() == written


@SETTINGS
@given(rows)
def test_csv_gives_back_what_was_written(tmp_path, written):
    path = tmp_path / "log.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([NAMES, *written])
    assert read_fields(Csv(path), FIELDS).rows() == written


@SETTINGS
@given(st.lists(st.text("19:. x-\r", max_size=12), max_size=6))
def test_lines_are_read_all_or_the_first_bad_one_is_named(tmp_path, lines):
    path = tmp_path / "log.dat"
    good = "1::2::3::4"
    path.write_bytes("".join(line + "\n" for line in [good, *lines]).encode())
    filled = [line for line in lines if line.rstrip("\r")]
    try:
        frame = read_fields(Split(path, "::", NAMES), FIELDS)
    except DataError as error:
        number = int(re.search(r"line (\d+)", str(error))[1])
        assert number > 1
        assert not is_good(lines[number - 2])
        assert all(is_good(line) for line in lines[: number - 2] if line.rstrip("\r"))
    else:
        assert frame.height == 1 + len(filled)
        assert all(is_good(line) for line in filled)


def is_good(line):
    values = line.rstrip("\r").split("::")
    number = re.compile(r"\s*-?(\d+\.?\d*|\.\d+)\s*")
    return (
        len(values) == 4
        and bool(values[0] and values[1])
        and (not values[2] or bool(number.fullmatch(values[2])))
        and bool(number.fullmatch(values[3]))
    )


@SETTINGS
@given(st.lists(st.text('a,"\n é', max_size=10), min_size=1, max_size=5))
def test_titles_written_by_a_csv_writer_come_back(tmp_path, titles):
    (tmp_path / "a_pairs.tsv").write_text("1\t1\n")
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(enumerate(titles))
    (tmp_path / "a_titles.csv").write_text(stream.getvalue(), encoding="utf-8")
    assert read_microlens([tmp_path]).items["title"].to_list() == titles


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_says_what_it_must_be(kind):
    assert kind.value in Field("x", "x", kind).fault(None)


def test_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbfu,i,r,t\r\na,b,,1\r\n\r\nc,d,2,3\r\n\r\n")
    assert read_fields(Csv(path), FIELDS).rows() == [("a", "b", None, 1), ("c", "d", 2.0, 3)]


def test_a_byte_order_mark_is_no_part_of_the_first_id(tmp_path):
    path = tmp_path / "log.dat"
    path.write_bytes(b"\xef\xbb\xbfa::b::1::2\n")
    assert read_fields(Split(path, "::", NAMES), FIELDS)["user_id"].to_list() == ["a"]


def test_keys_that_a_line_lacks_are_null_where_they_may_be(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"u": 1, "i": "b", "t": 5, "more": {"x": []}}\n\n')
    assert read_fields(JsonLines(path, NAMES), FIELDS).rows() == [("1", "b", None, 5)]


def test_an_empty_file_has_no_rows_and_an_empty_table_is_fine(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("u,i,r,t\n")
    assert read_fields(Csv(path), FIELDS).is_empty()
    assert read_fields(Csv(path), FIELDS).schema["timestamp"] == pl.Int64
