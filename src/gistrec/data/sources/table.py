"""A person's own log and catalogue: CSV, TSV or Parquet, with a mapping of column names.

Whole-number times are kept as they are; dates become milliseconds since 1970 in UTC.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from gistrec import schema
from gistrec.data.sources.columns import INTERACTIONS, ITEMS, ColumnMap
from gistrec.data.sources.delimited import Csv, first_line
from gistrec.data.sources.fields import READ_ERRORS, Field, Kind, Row, TextTable, read_fields
from gistrec.data.sources.finding import find_files
from gistrec.data.sources.raw import Note, Raw
from gistrec.errors import DataError

NAME = "table"
_PATTERNS = {"table": ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz", "*.parquet")}
_SLICE = 65536  # rows turned to Python values at a time when a fault is looked for


@dataclass(frozen=True)
class Parquet:
    """A Parquet file; its "lines" are rows, counted from 1."""

    path: Path
    counts: ClassVar[str] = "row"

    def scan(self) -> pl.LazyFrame:
        """All rows; values as String, moments as milliseconds, nested and binary as they are."""
        frame = pl.scan_parquet(self.path, glob=False)
        texts: list[pl.Expr] = []
        for name, kind in frame.collect_schema().items():
            column = pl.col(name)
            if isinstance(kind, pl.Datetime | pl.Date):
                column = column.cast(pl.Datetime("ms")).dt.epoch("ms")
            nested = kind.is_nested() or kind in (pl.Binary, pl.Object)
            texts.append(column if nested else column.cast(pl.String))
        return frame.select(texts)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Row number and values of every row."""
        number = 0
        for batch in self.scan().collect().iter_slices(_SLICE):
            for row in batch.iter_rows(named=True):
                number += 1
                yield number, row


def read_table(paths: Sequence[Path], columns: ColumnMap | None = None) -> Raw:
    """Read a log and, where there is one, a catalogue: the log is the file with a user column.

    A log without times keeps the order of the file; ``image_path`` is relative to the catalogue.

    Raises:
        DataError: a column is missing, or a row is malformed.
    """
    columns = columns or ColumnMap()
    tables = [_opened(path) for path in find_files(paths, _PATTERNS, NAME)["table"]]
    log, catalogue = _by_part(tables, columns)
    interactions, notes = _read_log(log, columns)
    origin = f"{NAME}: {log.path.name}"
    items = pl.DataFrame(schema={schema.ITEM_ID: pl.String, schema.TITLE: pl.String})
    if catalogue:
        items = _read_items(catalogue, columns)
        origin += f", {catalogue.path.name}"
    files = None
    if catalogue and schema.IMAGE_PATH in items.columns:
        files = _image_files(items, catalogue.path.parent)
        items = items.drop(schema.IMAGE_PATH)
    return Raw(items, interactions, "item", "chose", origin, notes, files)


def _opened(path: Path) -> TextTable:
    if path.suffix == ".parquet":
        return Parquet(path)
    return Csv(path, "\t" if ".tsv" in path.suffixes else ",")


def _names(table: TextTable) -> list[str]:
    if isinstance(table, Csv):
        first_line(table.path)  # refuses what is no text
    try:
        return table.scan().collect_schema().names()
    except READ_ERRORS as error:
        raise DataError(f"{table.path}: cannot be read ({str(error).splitlines()[0]})") from None


def _by_part(tables: Sequence[TextTable], columns: ColumnMap) -> tuple[TextTable, TextTable | None]:
    user = columns.theirs(INTERACTIONS, schema.USER_ID)
    logs = [table for table in tables if user in _names(table)]
    catalogues = [table for table in tables if table not in logs]
    if len(logs) == 1 and len(catalogues) <= 1:
        return logs[0], catalogues[0] if catalogues else None
    seen = "; ".join(f"{table.path} has {', '.join(_names(table))}" for table in tables)
    joined = [name for table in tables for name in _names(table) if ";" in name and user in name]
    if joined:
        raise DataError(
            f"{NAME}: the columns {joined[0]!r} are separated by semicolons; save the files with "
            "commas (.csv) or tabs (.tsv)"
        )
    raise DataError(
        f"{NAME}: needs one log, the file with the user column {user!r}, and at most one catalogue"
        f" without it. {seen}. Say which column is the user with --map user_id=THEIRS"
    )


def _read_log(table: TextTable, columns: ColumnMap) -> tuple[pl.DataFrame, tuple[Note, ...]]:
    names = _names(table)
    kinds = {
        schema.USER_ID: Kind.ID,
        schema.ITEM_ID: Kind.ID,
        schema.TIMESTAMP: Kind.TIME,
        schema.RATING: Kind.NUMBER,
    }
    fields: list[Field] = []
    for ours, kind in kinds.items():
        theirs = columns.theirs(INTERACTIONS, ours)
        must_be_there = kind is Kind.ID or columns.says(INTERACTIONS, ours)
        if must_be_there or theirs in names:
            dated = kind is Kind.TIME and _holds_dates(table, theirs)
            required = ours != schema.RATING
            fields.append(Field(ours, theirs, Kind.DATE if dated else kind, required))
    rows = read_fields(table, fields)
    unused = [name for name in names if name not in {field.column for field in fields}]
    notes = [Note(f"columns of the log left out ({', '.join(unused)})", len(unused))]
    if schema.TIMESTAMP not in rows.columns:
        rows = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(schema.TIMESTAMP))
        notes.append(Note("no times in the log: positions stand for them", 1))
    return rows, tuple(note for note in notes if note.count)


def _holds_dates(table: TextTable, column: str) -> bool:
    """Whether the first value looks like a date: 2024-05-17, not 1715904000."""
    if column not in _names(table):
        return False
    try:
        first = table.scan().select(column).head(1).collect().to_series().to_list()
    except READ_ERRORS:
        return False  # reading the whole file will name the fault
    return bool(first and first[0] and "-" in first[0][1:])


def _read_items(table: TextTable, columns: ColumnMap) -> pl.DataFrame:
    names = _names(table)
    fields = [Field(schema.ITEM_ID, columns.theirs(ITEMS, schema.ITEM_ID), Kind.ID)]
    for ours in (schema.TITLE, schema.TEXT, schema.IMAGE_PATH, schema.IMAGE_URL):
        theirs = columns.theirs(ITEMS, ours)
        if columns.says(ITEMS, ours) or theirs in names:
            fields.append(Field(ours, theirs, Kind.TEXT))
    items = read_fields(table, fields)
    if schema.TITLE not in items.columns:
        items = items.with_columns(pl.lit(None, pl.String).alias(schema.TITLE))
    image = columns.theirs(ITEMS, schema.IMAGE)
    taken = {field.column for field in fields} | set(items.columns)
    rest = [pl.col(name) for name in names if name not in taken and name != image]
    if image in names:
        rest.append(pl.col(image).cast(pl.Binary).alias(schema.IMAGE))
    if not rest:
        return items
    further = table.scan().select(rest).collect(engine="streaming")
    return pl.concat([items, further], how="horizontal")


def _image_files(items: pl.DataFrame, folder: Path) -> pl.DataFrame:
    named = items.select(schema.ITEM_ID, schema.IMAGE_PATH).drop_nulls()
    files = [str(folder / path) for path in named[schema.IMAGE_PATH]]
    return named.select(schema.ITEM_ID, pl.Series("file", files, dtype=pl.String))
