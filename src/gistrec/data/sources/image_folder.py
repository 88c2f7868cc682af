"""Images that lie in files: found by item id, read and shrunk in chunks, failures kept."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.image_bytes import NotAnImageError, shrunk
from gistrec.errors import DataError
from gistrec.progress import track

FILE = "file"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")  # in order of preference
_CHUNK = 512  # originals in memory at a time; what is kept of each is a few KiB


@dataclass(frozen=True)
class ImageFailure:
    """An image that an item should have had: where it was to come from, and why it did not."""

    item_id: str
    where: str
    why: str


@dataclass(frozen=True)
class Images:
    """Images by item: ``table`` has ``item_id`` and ``image`` (Binary), only the readable ones."""

    table: pl.DataFrame
    failures: tuple[ImageFailure, ...]


def files_in(folder: Path, items: pl.Series) -> pl.DataFrame:
    """Which of a folder's files shows which item: the one called ``<item_id>.<suffix>``.

    Returns:
        ``item_id``, ``file`` (String), in the order of ``items``, only items with a file.

    Raises:
        DataError: the folder does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of images")
    best: dict[str, tuple[int, str]] = {}
    for file in sorted(folder.iterdir()):
        suffix = file.suffix.lower()
        if suffix in SUFFIXES:
            found = (SUFFIXES.index(suffix), str(file))
            best[file.stem] = min(best.get(file.stem, found), found)
    rows = [(item, best[item][1]) for item in items if item in best]
    return pl.DataFrame(rows, schema={schema.ITEM_ID: pl.String, FILE: pl.String}, orient="row")


def read_images(files: pl.DataFrame, side: int) -> Images:
    """Read and shrink ``files`` (``item_id``, ``file``) so that no side exceeds ``side`` pixels."""
    items, paths = files[schema.ITEM_ID].to_list(), files[FILE].to_list()
    starts = range(0, len(items), _CHUNK)
    kept: list[pl.DataFrame] = []
    failures: list[ImageFailure] = []
    with ThreadPoolExecutor(min(8, cpu_count() or 1)) as pool:
        for start in track(starts, f"images, {_CHUNK} at a time"):
            chunk = slice(start, start + _CHUNK)
            results = list(pool.map(lambda path: _read(path, side), paths[chunk]))
            good, bad = sort_out(items[chunk], paths[chunk], results)
            kept.append(good)
            failures += bad
    return Images(pl.concat(kept) if kept else _no_images(), tuple(failures))


def sort_out(
    items: Sequence[str], sources: Sequence[str], results: Sequence[bytes | str]
) -> tuple[pl.DataFrame, list[ImageFailure]]:
    """Images (bytes) apart from reasons why there is none (text)."""
    good = [(item, data) for item, data in zip(items, results, strict=True) if type(data) is bytes]
    bad = [
        ImageFailure(item, source, why)
        for item, source, why in zip(items, sources, results, strict=True)
        if isinstance(why, str)
    ]
    return pl.DataFrame(good, schema=_no_images().schema, orient="row"), bad


def _read(path: str, side: int) -> bytes | str:
    try:
        return shrunk(Path(path).read_bytes(), side)
    except NotAnImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _no_images() -> pl.DataFrame:
    return pl.DataFrame(schema={schema.ITEM_ID: pl.String, schema.IMAGE: pl.Binary})
