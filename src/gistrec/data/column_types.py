"""Columns as the right type: what converts without loss is converted and said, the rest refused.

Each function gives the column and its defects; a column with a fatal one comes back as it was.
"""

import polars as pl

from gistrec.data.defect import Defect, defects_at


def as_id(column: pl.Series, file: str) -> tuple[pl.Series, list[Defect]]:
    """Ids as String, never null or empty; whole numbers and categories are written out."""
    words, defects = column, []
    if column.dtype != pl.String:
        if not (column.dtype.is_integer() or _is_category(column) or column.dtype == pl.Null):
            return column, [_refused(column, file, "ids must be text (or whole numbers)")]
        words = column.cast(pl.String)
        if column.dtype != pl.Null:
            defects.append(_converted(column, file, "read as text"))
    empty = words.is_null() | (words.str.strip_chars() == "")
    what = "is empty; every row needs an id"
    return words, defects + defects_at(empty, file, column.name, what, fatal=True)


def as_words(column: pl.Series, file: str) -> tuple[pl.Series, list[Defect]]:
    """Text as String; null stays null."""
    if column.dtype == pl.String or column.dtype == pl.Null or _is_category(column):
        return column.cast(pl.String), []
    return column, [_refused(column, file, "must be text")]


def as_bytes(column: pl.Series, file: str) -> tuple[pl.Series, list[Defect]]:
    """Encoded images as Binary; null and no bytes at all both mean that there is none."""
    if column.dtype not in (pl.Binary, pl.Null):
        return column, [_refused(column, file, "must be the bytes of a JPEG, PNG or WebP file")]
    raw = column.cast(pl.Binary)
    return raw.set(raw.bin.size() == 0, None), []


def as_time(column: pl.Series, file: str) -> tuple[pl.Series, list[Defect]]:
    """Timestamps as Int64, never null; whole numbers of other types are converted."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        asked = "must be whole numbers (seconds or milliseconds since 1970)"
        return column, [_refused(column, file, asked)]
    whole, defects = column.cast(pl.Int64, strict=False), []
    if column.dtype not in (pl.Int64, pl.Null):
        defects.append(_converted(column, file, "read as int64"))
    what = "is null; every interaction needs a time"
    defects += defects_at(column.is_null(), file, column.name, what, fatal=True)
    # A float that is not whole, not finite or too large does not come back the same.
    lost = column.is_not_null() & (whole.is_null() | (whole.cast(column.dtype) != column))
    what = "is not a whole number that fits int64; round or shift the times"
    return whole, defects + defects_at(lost, file, column.name, what, fatal=True)


def as_rating(column: pl.Series, file: str) -> tuple[pl.Series, list[Defect]]:
    """Ratings as Float32 or Float64, finite or null."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        return column, [_refused(column, file, "must be numbers")]
    numbers, defects = column, []
    if not column.dtype.is_float():
        numbers = column.cast(pl.Float64)
        if column.dtype != pl.Null:
            defects.append(_converted(column, file, "read as float"))
    what = "is not finite; write null where there is no rating"
    wrong = ~numbers.is_finite()
    return numbers, defects + defects_at(wrong, file, column.name, what, fatal=True)


def _is_category(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.Categorical | pl.Enum)


def _refused(column: pl.Series, file: str, asked: str) -> Defect:
    return Defect(file, None, column.name, f"is {column.dtype}; it {asked}", True, len(column))


def _converted(column: pl.Series, file: str, how: str) -> Defect:
    return Defect(file, None, column.name, f"is {column.dtype}, {how}", False, len(column))
