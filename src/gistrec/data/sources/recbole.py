"""RecBole's atomic files: ``.inter`` and ``.item``, tab-separated with typed headers.

The text of an item is what its token columns say, as ``name: value``; numbers stay metadata.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.columns import INTERACTIONS, ITEMS, ColumnMap
from gistrec.data.sources.delimited import Csv, first_line
from gistrec.data.sources.fields import Field, Kind, read_fields
from gistrec.data.sources.finding import find_files, only
from gistrec.data.sources.raw import Note, Raw
from gistrec.errors import DataError

NAME = "recbole"
_PATTERNS = {"interactions": ("*.inter",), "items": ("*.item",)}
_TYPES = ("token", "token_seq", "float", "float_seq")
_TITLES = (schema.TITLE, "movie_title", "item_name", "name", "item_title")


def read_recbole(paths: Sequence[Path], columns: ColumnMap | None = None) -> Raw:
    """Read ``.inter`` and, where there is one, ``.item``.

    Without a ``timestamp`` column the order of the file stands for the times.

    Raises:
        DataError: a file or column is missing, or a row is malformed.
    """
    columns = columns or ColumnMap()
    files = find_files(paths, _PATTERNS, NAME)
    log = only(files["interactions"], "interactions (.inter)", NAME)
    interactions, notes = _read_log(log, columns)
    items = pl.DataFrame(schema={schema.ITEM_ID: pl.String, schema.TITLE: pl.String})
    origin = f"{NAME}: {log.name}"
    if files["items"]:
        item_file = only(files["items"], "items (.item)", NAME)
        items = _read_items(item_file, columns)
        origin += f", {item_file.name}"
    return Raw(items, interactions, "item", "chose", origin, notes)


def _read_log(path: Path, columns: ColumnMap) -> tuple[pl.DataFrame, tuple[Note, ...]]:
    header = _header(path)
    kinds = {schema.USER_ID: Kind.ID, schema.ITEM_ID: Kind.ID, schema.TIMESTAMP: Kind.TIME}
    optional = {schema.TIMESTAMP, schema.RATING}
    fields = [
        Field(
            ours,
            _typed(header, columns.theirs(INTERACTIONS, ours), path),
            kind,
            required=ours != schema.RATING,
        )
        for ours, kind in {**kinds, schema.RATING: Kind.NUMBER}.items()
        if ours not in optional
        or columns.says(INTERACTIONS, ours)
        or columns.theirs(INTERACTIONS, ours) in header
    ]
    rows = read_fields(Csv(path, "\t", quoted=False), fields)
    if schema.TIMESTAMP in rows.columns:
        return rows, ()
    places = pl.int_range(pl.len(), dtype=pl.Int64).alias(schema.TIMESTAMP)
    return rows.with_columns(places), (Note("no times in the log: positions stand for them", 1),)


def _read_items(path: Path, columns: ColumnMap) -> pl.DataFrame:
    header = _header(path)
    item = columns.theirs(ITEMS, schema.ITEM_ID)
    title = columns.theirs(ITEMS, schema.TITLE)
    if title not in header and not columns.says(ITEMS, schema.TITLE):
        title = next((name for name in _TITLES if name in header), "")
    fields = [Field(schema.ITEM_ID, _typed(header, item, path), Kind.ID)]
    if title:
        fields.append(Field(schema.TITLE, _typed(header, title, path), Kind.TEXT))
    rest = {name: kind for name, kind in header.items() if name not in (item, title)}
    for name, kind in rest.items():
        number = kind == "float"
        fields.append(
            Field(name, f"{name}:{kind}", Kind.NUMBER if number else Kind.TEXT, required=False)
        )
    rows = read_fields(Csv(path, "\t", quoted=False), fields)
    if not title:
        rows = rows.with_columns(pl.lit(None, pl.String).alias(schema.TITLE))
    spoken = [name for name, kind in rest.items() if kind.startswith("token")]
    if schema.TEXT in rest or not spoken:
        return rows
    lines = [
        pl.when(pl.col(name) != "").then(pl.format("{}: {}", pl.lit(name), pl.col(name)))
        for name in spoken
    ]
    return rows.with_columns(
        pl.concat_str(lines, separator="\n", ignore_nulls=True).alias(schema.TEXT)
    )


def _header(path: Path) -> dict[str, str]:
    """Column names and their RecBole types, in file order."""
    header: dict[str, str] = {}
    for cell in first_line(path).split("\t"):
        name, _, kind = cell.partition(":")
        if kind not in _TYPES:
            raise DataError(
                f"{path}, line 1: {cell!r} is no RecBole header; it must be NAME:TYPE with TYPE"
                f" one of {', '.join(_TYPES)}"
            )
        header[name] = kind
    return header


def _typed(header: Mapping[str, str], name: str, path: Path) -> str:
    if name not in header:
        raise DataError(
            f"{path}: has no column {name!r}; it has {', '.join(header)}."
            " Say which it is with --map OURS=THEIRS"
        )
    return f"{name}:{header[name]}"
