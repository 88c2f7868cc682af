"""Every item given its image, from wherever there is one: table, files, URLs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.sources.image_bytes import NotAnImageError, shrunk
from gistrec.data.sources.image_folder import (
    FILE,
    ImageFailure,
    Images,
    files_in,
    read_images,
)
from gistrec.data.sources.image_urls import FetchSettings, fetch_images


@dataclass(frozen=True)
class ImageCount:
    """What came of the images of all items.

    Attributes:
        items: how many items there are; the other four add up to it.
        with_image: have one now.
        missing: nowhere to look for one.
        failed: had one that is damaged or could not be had.
        not_fetched: have a URL that was left alone.
    """

    items: int
    with_image: int
    missing: int
    failed: int
    not_fetched: int


@dataclass(frozen=True)
class Attached:
    """Items with an ``image`` column (where there is any image), and what failed."""

    items: pl.DataFrame
    count: ImageCount | None
    failures: tuple[ImageFailure, ...]


def attach_images(
    items: pl.DataFrame,
    side: int,
    named: pl.DataFrame | None,
    folder: Path | None,
    fetch: FetchSettings | None,
    cache: Path,
) -> Attached:
    """Look for each item's image in turn in its row, its named file, ``folder`` and its URL.

    Args:
        items: as tidied; may have ``image`` (Binary) and ``image_url``.
        side: pixels that the longest side may have.
        named: ``item_id`` and ``file``, where the source names files.
        folder: images called by item id.
        fetch: how to fetch URLs; None leaves them alone.
        cache: folder of fetched images.
    """
    rounds: list[Images] = []
    if schema.IMAGE in items.columns:
        rounds.append(_embedded(items, side))
        items = items.drop(schema.IMAGE)
    if named is not None:
        named = named.unique(schema.ITEM_ID, keep="first", maintain_order=True)
        named = named.join(items, on=schema.ITEM_ID, how="semi", maintain_order="left")
        rounds.append(read_images(_lacking(named, rounds), side))
    if folder is not None:
        rounds.append(read_images(_lacking(files_in(folder, items[schema.ITEM_ID]), rounds), side))
    has_urls = schema.IMAGE_URL in items.columns
    urls = _lacking(_urls(items), rounds) if has_urls else None
    if urls is not None and fetch is not None:
        rounds.append(_fetched(urls, side, fetch, cache))
        urls = None
    if not rounds and urls is None:
        return Attached(items, None, ())
    return _together(items, rounds, [] if urls is None else urls[schema.ITEM_ID].to_list())


def _together(items: pl.DataFrame, rounds: Sequence[Images], with_url: Sequence[str]) -> Attached:
    tables = [found.table for found in rounds]
    with_image = sum(table.height for table in tables)
    if with_image:
        images = pl.concat(tables)
        items = items.join(images, on=schema.ITEM_ID, how="left", maintain_order="left")
    have = set(pl.concat([t[schema.ITEM_ID] for t in tables])) if tables else set()
    failures = [failure for found in rounds for failure in found.failures]
    failed = {failure.item_id for failure in failures} - have
    not_fetched = len(set(with_url) - failed)
    missing = items.height - with_image - len(failed) - not_fetched
    count = ImageCount(items.height, with_image, missing, len(failed), not_fetched)
    return Attached(items, count, tuple(failures))


def _lacking(candidates: pl.DataFrame, rounds: Sequence[Images]) -> pl.DataFrame:
    """Those of ``candidates`` whose item no earlier round gave an image."""
    for found in rounds:
        candidates = candidates.join(
            found.table, on=schema.ITEM_ID, how="anti", maintain_order="left"
        )
    return candidates


def _embedded(items: pl.DataFrame, side: int) -> Images:
    kept: list[tuple[str, bytes]] = []
    failures: list[ImageFailure] = []
    for item, data in items.select(schema.ITEM_ID, schema.IMAGE).drop_nulls().iter_rows():
        try:
            kept.append((item, shrunk(data, side)))
        except NotAnImageError as error:
            failures.append(ImageFailure(item, f"column {schema.IMAGE}", str(error)))
    kinds = {schema.ITEM_ID: pl.String, schema.IMAGE: pl.Binary}
    return Images(pl.DataFrame(kept, schema=kinds, orient="row"), tuple(failures))


def _urls(items: pl.DataFrame) -> pl.DataFrame:
    return items.select(schema.ITEM_ID, schema.IMAGE_URL).filter(pl.col(schema.IMAGE_URL) != "")


def _fetched(urls: pl.DataFrame, side: int, fetch: FetchSettings, cache: Path) -> Images:
    got = fetch_images(urls[schema.IMAGE_URL].to_list(), cache, fetch)
    rows = [(item, str(got.files[url])) for item, url in urls.iter_rows() if url in got.files]
    kinds = {schema.ITEM_ID: pl.String, FILE: pl.String}
    read = read_images(pl.DataFrame(rows, schema=kinds, orient="row"), side)
    failures = [
        ImageFailure(item, url, got.failures[url])
        for item, url in urls.iter_rows()
        if url in got.failures
    ]
    return Images(read.table, (*failures, *read.failures))
