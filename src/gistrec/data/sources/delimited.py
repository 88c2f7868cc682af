"""Files of delimited lines: CSV with quotes, or lines split at a separator of any length."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

import polars as pl

from gistrec.data.sources.fields import Row
from gistrec.errors import DataError

_EXTRA = "\0extra"  # holds what a line has beyond its last field; no header can be called this


def opened(path: Path) -> IO[str]:
    """``path`` as UTF-8 text, unpacked where its name ends in .gz; no line end but LF."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def first_line(path: Path) -> str:
    """The first line without its end; empty for an empty file.

    Raises:
        DataError: the file does not exist or is no UTF-8 text.
    """
    try:
        with opened(path) as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; convert the file to UTF-8") from None


@dataclass(frozen=True)
class Csv:
    """CSV after RFC 4180: quotes protect separators and line ends.

    Attributes:
        path: the file; may end in .gz.
        separator: one character.
        columns: names of the columns where the file has no header, None where it has one.
        quoted: False where a quote is a character like any other.
    """

    path: Path
    separator: str = ","
    columns: tuple[str, ...] | None = None
    quoted: bool = True
    counts: ClassVar[str] = "line"

    def scan(self) -> pl.LazyFrame:
        """All rows as String; a missing value is null."""
        frame = pl.scan_csv(
            self.path,
            separator=self.separator,
            has_header=self.columns is None,
            schema=None if self.columns is None else dict.fromkeys(self.columns, pl.String),
            infer_schema=False,
            quote_char='"' if self.quoted else None,
            glob=False,
        )
        return frame.filter(~pl.all_horizontal(pl.all().is_null()))

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Line number and values of every row.

        Raises:
            DataError: a row has more or fewer fields than the header.
        """
        with opened(self.path) as stream:
            if self.quoted:
                reader = csv.reader(stream, delimiter=self.separator)
            else:
                reader = csv.reader(stream, delimiter=self.separator, quoting=csv.QUOTE_NONE)
            names = self.columns or next(reader, [])
            for values in reader:
                if values:
                    _check_width(self.path, reader.line_num, values, names)
                    yield reader.line_num, dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class Split:
    """Lines split at ``separator`` (any length), without header and without quotes."""

    path: Path
    separator: str
    columns: tuple[str, ...]
    counts: ClassVar[str] = "line"

    def scan(self) -> pl.LazyFrame:
        """All rows as String; a line with another number of fields fails when collected."""
        line = pl.col("line").str.strip_prefix("\ufeff").str.strip_chars_end("\r")
        names = [*self.columns, _EXTRA]
        parts = line.str.splitn(self.separator, len(names)).struct.rename_fields(names)
        frame = pl.scan_lines(self.path, glob=False).filter(line != "").select(parts).unnest("line")
        surplus = pl.col(_EXTRA).is_not_null()
        # A surplus makes the first column null, and so is found with the missing values.
        first = pl.when(~surplus).then(pl.col(self.columns[0])).alias(self.columns[0])
        return frame.select(first, *self.columns[1:])

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Line number and values of every row.

        Raises:
            DataError: a line has more or fewer fields than ``columns``.
        """
        with opened(self.path) as stream:
            for number, line in enumerate(stream, start=1):
                if text := line.rstrip("\r\n"):
                    values = text.split(self.separator)
                    _check_width(self.path, number, values, self.columns)
                    yield number, dict(zip(self.columns, values, strict=True))


def _check_width(path: Path, line: int, values: Sequence[str], names: Sequence[str]) -> None:
    if len(values) == len(names):
        return
    missing = f"; field {names[len(values)]!r} is missing" if len(values) < len(names) else ""
    wanted = f"{len(names)} ({', '.join(names)})"
    raise DataError(f"{path}, line {line}: has {len(values)} fields instead of {wanted}{missing}")
