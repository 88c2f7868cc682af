"""MicroLens: logs as pairs (CSV with times, or TSV of sequences), titles, and covers.

The TSV has no times: an event's place in the user's row stands for its timestamp.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.delimited import Csv, Split, first_line, opened
from gistrec.data.sources.fields import Field, Kind, read_fields
from gistrec.data.sources.finding import find_files, only
from gistrec.data.sources.raw import Note, Raw
from gistrec.errors import DataError

NAME = "microlens"
_PATTERNS = {
    "pairs": ("*pairs.csv", "*pairs.tsv", "*pairs.csv.gz"),
    "titles": ("*title*.csv", "*title*.csv.gz"),
}
_HEADER_IDS = ("item", "item_id", "itemid", "video", "video_id", "videoid", "id")
_PAIRS = ("user", "item", "timestamp")


def read_microlens(paths: Sequence[Path]) -> Raw:
    """Read one MicroLens release from its folder or from its files.

    Where both logs are found the one with times is read. The titles may be left out.

    Raises:
        DataError: no log among the paths, or a row is malformed.
    """
    files = find_files(paths, _PATTERNS, NAME)
    timed = [file for file in files["pairs"] if file.suffix != ".tsv"]
    log = only(timed or files["pairs"], "pairs", NAME)
    interactions = _read_sequences(log) if log.suffix == ".tsv" else _read_pairs(log)
    notes = [] if timed else [Note("no times in the log: positions stand for them", 1)]
    titles = pl.DataFrame(schema={schema.ITEM_ID: pl.String, schema.TITLE: pl.String})
    origin = f"{NAME}: {log.name}"
    if files["titles"]:
        title_file = only(files["titles"], "titles", NAME)
        titles = pl.DataFrame(list(_titles(title_file)), schema=titles.schema, orient="row")
        origin += f", {title_file.name}"
    return Raw(titles, interactions, "video", "watched", origin, tuple(notes))


def _read_pairs(path: Path) -> pl.DataFrame:
    has_header = not first_line(path).rpartition(",")[2].strip().lstrip("-").isdigit()
    fields = [
        Field(schema.USER_ID, "user", Kind.ID),
        Field(schema.ITEM_ID, "item", Kind.ID),
        Field(schema.TIMESTAMP, "timestamp", Kind.TIME),
    ]
    return read_fields(Csv(path, columns=None if has_header else _PAIRS), fields)


def _read_sequences(path: Path) -> pl.DataFrame:
    fields = [Field(schema.USER_ID, "user", Kind.ID), Field(schema.ITEM_ID, "items", Kind.ID)]
    rows = read_fields(Split(path, "\t", ("user", "items")), fields)
    items = pl.col(schema.ITEM_ID).str.strip_chars().str.split(" ")
    items = items.list.eval(pl.element().filter(pl.element() != ""))
    places = pl.int_ranges(items.list.len(), dtype=pl.Int64).alias(schema.TIMESTAMP)
    rows = rows.with_columns(items, places)
    return rows.explode(schema.ITEM_ID, schema.TIMESTAMP, empty_as_null=False)


def _titles(path: Path) -> Iterator[tuple[str, str]]:
    """(item, title) of every record; an unquoted title keeps its commas and stray quotes."""
    for number, record in _records(path):
        item, comma, rest = record.partition(",")
        item = item.strip().strip('"')
        if number == 1 and item.lower() in _HEADER_IDS:
            continue
        if not (item and comma):
            raise DataError(f"{path}, line {number}: {record!r} is not item,title")
        yield item, _unquoted(rest)


def _records(path: Path) -> Iterator[tuple[int, str]]:
    """Lines, joined where a quoted title runs over several; with the number of the first."""
    with opened(path) as stream:
        lines = [line.rstrip("\r\n") for line in stream]
    at = 0
    while at < len(lines):
        end = _end_of_record(lines, at)
        if lines[at].strip():
            yield at + 1, "\n".join(lines[at : end + 1])
        at = end + 1


def _end_of_record(lines: Sequence[str], start: int) -> int:
    title = lines[start].partition(",")[2]
    if not title.startswith('"') or title.count('"') % 2 == 0:
        return start
    for end in range(start + 1, len(lines)):
        if lines[end].count('"') % 2:
            # Only a quote that closes the record ends it; otherwise the first was a stray one.
            return end if lines[end].endswith('"') else start
    return start


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        fields = next(csv.reader(io.StringIO(text, newline="")), [""])
        if len(fields) == 1:
            return fields[0]
    return text
