"""Typed columns out of text tables: fast where all is well, exact about the line where not."""

import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol

import polars as pl
from polars.exceptions import PolarsError

from gistrec.errors import DataError

READ_ERRORS = (PolarsError, OSError)  # what Polars raises at a file that is not as it should be
Row = Mapping[str, object]
_WHOLE = re.compile(r"[+-]?\d+")
_INT64 = 2**63


class TextTable(Protocol):
    """A file of rows whose values are still text."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def counts(self) -> str:
        """What ``rows`` counts: "line" or "row"."""
        ...

    def scan(self) -> pl.LazyFrame:
        """All rows, every column read as String; blank lines left out."""
        ...

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Number (from 1) and values of every row, slowly; DataError at a malformed one."""
        ...


class Kind(Enum):
    """What a column's text must be."""

    ID = "a non-empty id"
    TEXT = "text"
    NUMBER = "a finite number"
    TIME = "a time as a whole number"
    DATE = "a date or time after ISO 8601"


@dataclass(frozen=True)
class Field:
    """One column wanted: its name here, its name in the file, and what it holds."""

    name: str
    column: str
    kind: Kind
    required: bool = True

    def parsed(self) -> pl.Expr:
        """The column as its type; raises inside Polars at a value that is not of its kind."""
        column = pl.col(self.column)
        if self.kind is Kind.TEXT:
            return column.alias(self.name)
        filled = pl.when(column != "").then(column)
        if self.kind is Kind.ID:
            return filled.alias(self.name)
        trimmed = filled.str.strip_chars()
        if self.kind is Kind.NUMBER:
            return trimmed.cast(pl.Float64).alias(self.name)
        if self.kind is Kind.DATE:
            moment = trimmed.str.to_datetime(time_unit="ms", time_zone="UTC")
            return moment.dt.epoch("ms").alias(self.name)
        whole = trimmed.cast(pl.Int64, strict=False)
        from_float = pl.when(whole.is_null()).then(trimmed).cast(pl.Float64).cast(pl.Int64)
        return pl.coalesce(whole, from_float).alias(self.name)

    def fault(self, value: object) -> str | None:
        """What is wrong with one raw ``value``, or None."""
        if value is None or value == "":
            return f"is missing; it must be {self.kind.value}" if self.required else None
        if self.kind in (Kind.ID, Kind.TEXT):
            return None
        text = str(value).strip()
        good = _is_date(text) if self.kind is Kind.DATE else _is_number(text)
        return None if good else f"is {text!r}; it must be {self.kind.value}"


def read_fields(table: TextTable, fields: Sequence[Field]) -> pl.DataFrame:
    """The wanted columns of a whole file, typed, in file order.

    Raises:
        DataError: a column is absent, or a row is malformed (named by file, line and field).
    """
    if not table.path.is_file():
        raise DataError(f"{table.path}: no such file")
    try:
        present = table.scan().collect_schema().names()
    except READ_ERRORS as error:
        raise fault_in(table, fields, str(error)) from None
    for field in fields:
        if field.column not in present:
            raise DataError(
                f"{table.path}: has no column {field.column!r}; it has {', '.join(present)}"
            )
    try:
        wanted = table.scan().select(field.parsed() for field in fields)
        frame = wanted.collect(engine="streaming")
    except READ_ERRORS as error:
        raise fault_in(table, fields, str(error)) from None
    if any(_is_broken(frame[field.name], field) for field in fields):
        raise fault_in(table, fields, "a value is missing or not finite")
    return frame


def fault_in(table: TextTable, fields: Sequence[Field], otherwise: str) -> DataError:
    """The error that names the first malformed line; ``otherwise`` is said if none is found."""
    line = 0
    try:
        for line, row in table.rows():
            for field in fields:
                if what := field.fault(row.get(field.column)):
                    where = f"{table.path}, {table.counts} {line}, field {field.column!r}"
                    return DataError(f"{where}: {what}")
    except DataError as error:
        return error
    except UnicodeDecodeError as error:
        return DataError(
            f"{table.path}: not UTF-8 text ({error.reason}); convert the file to UTF-8"
        )
    except (EOFError, OSError, zlib.error) as error:
        return DataError(f"{table.path}, after line {line}: damaged or unreadable ({error})")
    return DataError(f"{table.path}: {otherwise.splitlines()[0] if otherwise else 'unreadable'}")


def _is_number(text: str) -> bool:
    if _WHOLE.fullmatch(text):
        return -_INT64 <= int(text) < _INT64
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_broken(column: pl.Series, field: Field) -> bool:
    if field.required and field.kind is not Kind.TEXT and column.null_count():
        return True
    return field.kind is Kind.NUMBER and not (column.is_finite() | column.is_null()).all()
