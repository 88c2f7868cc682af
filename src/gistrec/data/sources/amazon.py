"""Amazon Reviews 2023: JSON Lines of reviews and of metadata, joined on ``parent_asin``.

Forms after the McAuley Lab's release; times are in milliseconds. ``average_rating`` and
``rating_number`` are left out: they count reviews that come after the moment of prediction.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.delimited import first_line
from gistrec.data.sources.fields import READ_ERRORS, Field, Kind, fault_in, read_fields
from gistrec.data.sources.finding import find_files
from gistrec.data.sources.json_lines import JsonLines
from gistrec.data.sources.raw import Raw
from gistrec.errors import DataError

NAME = "amazon"
_PATTERNS = {"JSON Lines": ("*.jsonl", "*.jsonl.gz", "*.json.gz")}
_KEY = "parent_asin"
_REVIEW = (
    Field(schema.USER_ID, "user_id", Kind.ID),
    Field(schema.ITEM_ID, _KEY, Kind.ID),
    Field(schema.TIMESTAMP, "timestamp", Kind.TIME),
    Field(schema.RATING, "rating", Kind.NUMBER),
)
_META = (Field(schema.ITEM_ID, _KEY, Kind.ID),)
_IMAGE = pl.Struct({"large": pl.String, "variant": pl.String})
_LISTS = (
    ("features", pl.String()),
    ("description", pl.String()),
    ("categories", pl.String()),
    ("images", _IMAGE),
)


def read_amazon(paths: Sequence[Path]) -> Raw:
    """Read reviews and metadata of one or more categories; which is which their keys say.

    Raises:
        DataError: reviews or metadata are missing, or a line is malformed.
    """
    files = find_files(paths, _PATTERNS, NAME)["JSON Lines"]
    reviews = [file for file in files if _is_reviews(file)]
    metas = [file for file in files if file not in reviews]
    if not reviews or not metas:
        missing = "metadata (meta_*.jsonl)" if reviews else "reviews"
        raise DataError(f"{NAME}: no file of {missing} among the paths given; name it as well")
    interactions = pl.concat([_read_reviews(file) for file in reviews])
    items = pl.concat([_read_meta(file) for file in metas])
    origin = f"{NAME}: {', '.join(file.name for file in (*reviews, *metas))}"
    return Raw(items, interactions, "product", "bought", origin)


def _is_reviews(path: Path) -> bool:
    line = first_line(path)
    try:
        keys = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}, line 1: not JSON ({error})") from None
    if not isinstance(keys, dict) or _KEY not in keys:
        raise DataError(f"{path}, line 1: no object with {_KEY!r}; this is not Amazon Reviews 2023")
    return "user_id" in keys


def _read_reviews(path: Path) -> pl.DataFrame:
    return read_fields(JsonLines(path, tuple(field.column for field in _REVIEW)), _REVIEW)


def _read_meta(path: Path) -> pl.DataFrame:
    table = JsonLines(path, (_KEY, "title", "store"), _LISTS)
    images = pl.col("images").list.eval(pl.element().struct.field("large").drop_nulls())
    main = pl.col("images").list.eval(
        pl.element().filter(pl.element().struct.field("variant") == "MAIN").struct.field("large")
    )
    categories = pl.col("categories").list.join(" > ", ignore_nulls=True)
    text = pl.concat_list(
        pl.concat_list(categories),
        pl.col("features").fill_null([]),
        pl.col("description").fill_null([]),
    )
    wanted = table.scan().select(
        pl.col(_KEY).alias(schema.ITEM_ID),
        pl.col("title").alias(schema.TITLE),
        _joined(text).alias(schema.TEXT),
        categories,
        "store",
        pl.coalesce(main.list.first(), images.list.first()).alias(schema.IMAGE_URL),
    )
    try:
        frame = wanted.collect(engine="streaming")
    except READ_ERRORS as error:
        raise fault_in(table, _META, str(error)) from None
    if frame[schema.ITEM_ID].null_count() or (frame[schema.ITEM_ID] == "").any():
        raise fault_in(table, _META, f"{_KEY} is missing somewhere")
    return frame


def _joined(texts: pl.Expr) -> pl.Expr:
    filled = pl.element().filter(pl.element().is_not_null() & (pl.element() != ""))
    return texts.list.eval(filled).list.join("\n")
