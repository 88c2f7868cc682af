"""The encoded images of items, from a column or from files; what does not decode is no image."""

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from PIL import Image

from gistrec import schema
from gistrec.data.defect import Defect, defects_at
from gistrec.data.item_checks import is_inside
from gistrec.progress import track


def encoded_image(items: pl.DataFrame, folder: Path, code: int) -> bytes | None:
    """The bytes that item ``code`` has as its image, decodable or not; None where it has none."""
    if schema.IMAGE in items.columns:
        data: bytes | None = items[schema.IMAGE][code]
        if data:
            return data
    path = items[schema.IMAGE_PATH][code] if schema.IMAGE_PATH in items.columns else None
    if not path or not is_inside(path):
        return None
    try:
        return (folder / str(path)).read_bytes()
    except (OSError, ValueError):  # ValueError: a null character in the path
        return None


def decodes(data: bytes) -> bool:
    """Whether the whole of an encoded image can be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    # Pillow's decoders raise many types on damaged files; each means the same to us.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False
    return True


def undecodable(items: pl.DataFrame, folder: Path) -> list[Defect]:
    """Decode every image and report those that fail."""
    fields = [name for name in (schema.IMAGE, schema.IMAGE_PATH) if name in items.columns]
    if not fields:
        return []
    broken = pl.Series(list(_broken(items, folder)), dtype=pl.Boolean)
    what = "this image does not decode; the item counts as one without image"
    return defects_at(broken, schema.ITEMS_FILE, fields[0], what, fatal=False)


def _broken(items: pl.DataFrame, folder: Path) -> Iterator[bool]:
    for code in track(range(items.height), "decoding images"):
        data = encoded_image(items, folder, code)
        yield data is not None and not decodes(data)
