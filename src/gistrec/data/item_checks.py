"""What can be wrong with the items of a dataset; images are not decoded here."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import polars as pl

from gistrec import schema
from gistrec.data.defect import Defect, defects_at

_FILE = schema.ITEMS_FILE


def item_defects(items: pl.DataFrame, folder: Path) -> list[Defect]:
    """Defects of items with sound columns; ``folder`` is where their image paths start."""
    return [*_duplicates(items), *_paths(items, folder), *_blank(items)]


def is_inside(path: str) -> bool:
    """Whether a path stays inside of the folder it starts in, as written."""
    windows = PureWindowsPath(path)
    absolute = windows.drive or windows.root or PurePosixPath(path).is_absolute()
    return not absolute and ".." not in windows.parts


def _duplicates(items: pl.DataFrame) -> list[Defect]:
    if schema.ITEM_ID not in items.columns:
        return []
    ids = items[schema.ITEM_ID]
    again = ~ids.is_first_distinct() & ids.is_not_null()
    if not again.any():
        return []
    example = ids.gather(again.arg_true()[:1]).item()
    what = f"{example!r} stands in an earlier row already; keep one row for each item"
    return defects_at(again, _FILE, schema.ITEM_ID, what, fatal=True)


def _paths(items: pl.DataFrame, folder: Path) -> list[Defect]:
    if schema.IMAGE_PATH not in items.columns:
        return []
    paths = items[schema.IMAGE_PATH].fill_null("").to_list()
    stray = pl.Series([not is_inside(path) for path in paths], dtype=pl.Boolean)
    lost = pl.Series(
        [bool(path) and is_inside(path) and not (folder / path).is_file() for path in paths],
        dtype=pl.Boolean,
    )
    leads_out = "leads out of the dataset's folder; write a path inside of it"
    no_file = "there is no such file; the item counts as one without image"
    return [
        *defects_at(stray, _FILE, schema.IMAGE_PATH, leads_out, fatal=True),
        *defects_at(lost, _FILE, schema.IMAGE_PATH, no_file, fatal=False),
    ]


def _blank(items: pl.DataFrame) -> list[Defect]:
    nothing = pl.repeat(True, items.height, eager=True)
    for name in (schema.TITLE, schema.TEXT):
        if name in items.columns:
            nothing &= items[name].fill_null("").str.strip_chars() == ""
    if schema.IMAGE in items.columns:
        nothing &= items[schema.IMAGE].is_null()
    for name in (schema.IMAGE_PATH, schema.IMAGE_URL):
        if name in items.columns:
            nothing &= items[name].fill_null("") == ""
    what = "neither title, nor text, nor image; only its interactions tell anything about it"
    return defects_at(nothing, _FILE, schema.TITLE, what, fatal=False)
