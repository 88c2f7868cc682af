"""The two tables of a dataset, with the types that everything else relies on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from gistrec import schema
from gistrec.data.column_types import as_bytes, as_id, as_rating, as_time, as_words
from gistrec.data.defect import Defect

Caster = Callable[[pl.Series, str], tuple[pl.Series, list[Defect]]]

_ITEM_COLUMNS: Final[Mapping[str, Caster]] = {
    schema.ITEM_ID: as_id,
    schema.TITLE: as_words,
    schema.TEXT: as_words,
    schema.IMAGE: as_bytes,
    schema.IMAGE_PATH: as_words,
    schema.IMAGE_URL: as_words,
}
_INTERACTION_COLUMNS: Final[Mapping[str, Caster]] = {
    schema.USER_ID: as_id,
    schema.ITEM_ID: as_id,
    schema.TIMESTAMP: as_time,
    schema.RATING: as_rating,
}
IMAGE_COLUMNS: Final = (schema.IMAGE, schema.IMAGE_PATH, schema.IMAGE_URL)


def read_table(
    path: Path, without: tuple[str, ...] = ()
) -> tuple[pl.DataFrame | None, list[Defect]]:
    """Read one Parquet file, less the columns ``without``; None where it cannot be read."""
    name = path.name
    if not path.is_file():
        there = path.parent.is_dir()
        what = f"is missing from {path.parent}" + ("" if there else ", which is no folder")
        return None, [Defect(name, None, "", what, True)]
    try:
        columns = [column for column in pl.read_parquet_schema(path) if column not in without]
        return pl.read_parquet(path, columns=columns), []
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        return None, [Defect(name, None, "", f"cannot be read as Parquet ({reason})", True)]


def typed_items(items: pl.DataFrame) -> tuple[pl.DataFrame, list[Defect]]:
    """``items`` with ids, titles and texts as String, images as Binary; null words become ""."""
    required = (schema.ITEM_ID, schema.TITLE)
    table, defects = _typed(items, _ITEM_COLUMNS, required, schema.ITEMS_FILE)
    blank = [column for column in (schema.TITLE, schema.TEXT) if column in table.columns]
    return table.with_columns(pl.col(blank).fill_null("")), defects


def typed_interactions(interactions: pl.DataFrame) -> tuple[pl.DataFrame, list[Defect]]:
    """``interactions`` with ids as String, timestamps as Int64 and ratings as floats."""
    required = (schema.USER_ID, schema.ITEM_ID, schema.TIMESTAMP)
    return _typed(interactions, _INTERACTION_COLUMNS, required, schema.INTERACTIONS_FILE)


def _typed(
    table: pl.DataFrame, casters: Mapping[str, Caster], required: tuple[str, ...], file: str
) -> tuple[pl.DataFrame, list[Defect]]:
    defects = [
        Defect(file, None, name, f"this column is missing; there are: {_listed(table)}", True)
        for name in required
        if name not in table.columns
    ]
    if table.is_empty():
        defects.append(Defect(file, None, "", "holds no row", True))
    for name in casters.keys() & set(table.columns):
        column, found = casters[name](table[name], file)
        table = table.with_columns(column)
        defects += found
    return table, sorted(defects, key=lambda defect: defect.field)


def _listed(table: pl.DataFrame) -> str:
    return ", ".join(table.columns) or "none"
