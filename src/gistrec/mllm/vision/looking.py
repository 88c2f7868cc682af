"""Images through a backbone's eyes, a window at a time; the next one is decoded meanwhile."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import torch
from PIL import Image

from gistrec.errors import DataError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Grid, Prepared
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import track

ImageOf = Callable[[int], bytes | None]
NONE = b""  # the digest of an item without an image

_WINDOW = 64  # images prepared together
_MOST_VALUES = 16_000_000  # of prepared images run at once: 36 of 384 x 384 pixels


@dataclass(frozen=True, eq=False)
class Seen:
    """One image that was looked at.

    Attributes:
        code: of the item whose image it is.
        grid: rows and columns of its tokens.
        features: [k, rows x columns, d], on the CPU.
    """

    code: int
    grid: Grid
    features: torch.Tensor


def image_digests(n_items: int, image_of: ImageOf) -> list[bytes]:
    """SHA-256 of every item's encoded image; NONE without one."""
    digests = []
    for code in track(range(n_items), "reading images"):
        image = image_of(code)
        digests.append(NONE if image is None else hashlib.sha256(image).digest())
    return digests


def first_of_each(digests: Sequence[bytes]) -> dict[bytes, int]:
    """The first item with each image, in catalogue order."""
    first: dict[bytes, int] = {}
    for code, digest in enumerate(digests):
        if digest != NONE:
            first.setdefault(digest, code)
    return first


def image_features(backbone: Backbone, n_items: int, image_of: ImageOf) -> ImageFeatures:
    """Features of a catalogue's images, in memory and nowhere else.

    Args:
        backbone: whose eyes.
        n_items: size of the catalogue.
        image_of: an item's encoded image, or None.

    Raises:
        DataError: an image cannot be decoded.
    """
    digests = image_digests(n_items, image_of)
    first = first_of_each(digests)
    seen = {
        one.code: (one.grid, one.features)
        for window in look(backbone, list(first.values()), image_of)
        for one in window
    }
    owners = [(code, first[digest]) for code, digest in enumerate(digests) if digest != NONE]
    images = {code: seen[source] for code, source in owners if source in seen}
    return ImageFeatures.held(n_items, images)


def look(backbone: Backbone, codes: Sequence[int], image_of: ImageOf) -> Iterator[list[Seen]]:
    """Look at the images of items, and yield those that have one, a window of them at a time.

    Raises:
        DataError: an image cannot be decoded, or is not one that the model can take.
    """
    windows = iter([codes[at : at + _WINDOW] for at in range(0, len(codes), _WINDOW)])
    with ThreadPoolExecutor(max_workers=1) as thread, _shut_off(backbone):
        ahead = thread.submit(_prepared, backbone, next(windows, ()), image_of)
        for place, _ in enumerate(track(codes, "looking at images"), start=1):
            if place % _WINDOW and place < len(codes):
                continue
            ready = ahead.result()
            ahead = thread.submit(_prepared, backbone, next(windows, ()), image_of)
            yield _looked_at(backbone, ready)


def _prepared(backbone: Backbone, codes: Sequence[int], image_of: ImageOf) -> dict[int, Prepared]:
    found = {code: image_of(code) for code in codes}
    images = {code: _decoded(data, code) for code, data in found.items() if data is not None}
    if not images:
        return {}
    try:
        prepared = backbone.family.prepare(list(images.values()))
    except ValueError:  # a shape that the model's processor refuses: say whose
        prepared = [_prepared_alone(backbone, code, image) for code, image in images.items()]
    return dict(zip(images, prepared, strict=True))


@torch.no_grad()
def _looked_at(backbone: Backbone, ready: dict[int, Prepared]) -> list[Seen]:
    seen: dict[int, Seen] = {}
    for group in _groups(ready):
        found = backbone.family.look([ready[code] for code in group])
        for code, features in zip(group, found, strict=True):
            seen[code] = Seen(code, ready[code].grid, features.cpu())
    return [seen[code] for code in ready]


def _groups(ready: dict[int, Prepared]) -> list[list[int]]:
    """Items whose images run together: alike but for their first dimension, not too large together.

    Families lay images that differ in that one dimension (patches, tiles) one after the other, and
    stack all others.
    """
    groups: list[list[int]] = []
    latest: dict[tuple[object, ...], tuple[list[int], int]] = {}
    for code, one in ready.items():
        alike = tuple((name, value.shape[1:]) for name, value in sorted(one.inputs.items()))
        values = sum(value.numel() for value in one.inputs.values())
        group, held = latest.get(alike, ([], 0))
        if not group or held + values > _MOST_VALUES:
            group, held = [], 0
            groups.append(group)
        group.append(code)
        latest[alike] = (group, held + values)
    return groups


@contextmanager
def _shut_off(backbone: Backbone) -> Iterator[None]:
    """Keep dropout out of the eyes, also where the model is about to be trained."""
    training = [part for eye in backbone.eyes for part in eye.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _decoded(data: bytes, code: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data)).convert("RGB")
    # Pillow's decoders raise many types on damaged files; each means the same to us.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the image of the item in row {code} of the catalogue cannot be decoded ({error}); "
            "`gistrec data check` lists all such images"
        ) from error


def _prepared_alone(backbone: Backbone, code: int, image: Image.Image) -> Prepared:
    try:
        return backbone.family.prepare([image])[0]
    except ValueError as error:
        width, height = image.size
        raise DataError(
            f"the image of the item in row {code} of the catalogue, {width} x {height} pixels, "
            f"cannot be used by this backbone ({error}); give the item another image or none"
        ) from error
