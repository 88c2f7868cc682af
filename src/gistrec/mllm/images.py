"""Image features of a catalogue: every image goes through the vision tower once."""

from collections.abc import Callable
from io import BytesIO

import torch
from PIL import Image

from gistrec.errors import DataError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Grid
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import track

_BATCH = 64


@torch.no_grad()
def image_features(
    backbone: Backbone, n_items: int, image_of: Callable[[int], bytes | None]
) -> ImageFeatures:
    """Run every item's image through the vision tower.

    Args:
        backbone: whose eyes.
        n_items: size of the catalogue.
        image_of: an item's encoded image, or None.

    Raises:
        DataError: an image cannot be decoded.
    """
    seen: dict[int, tuple[Grid, torch.Tensor]] = {}
    waiting: dict[int, Image.Image] = {}

    def run() -> None:
        if waiting:
            prepared = backbone.family.prepare(list(waiting.values()))
            found = backbone.family.look(prepared)
            for code, one, features in zip(waiting, prepared, found, strict=True):
                seen[code] = one.grid, features.cpu()
            waiting.clear()

    for code in track(range(n_items), "looking at images"):
        image = image_of(code)
        if image is None:
            continue
        waiting[code] = _decoded(image, code)
        if len(waiting) == _BATCH:
            run()
    run()
    return ImageFeatures.held(n_items, seen)


def _decoded(data: bytes, code: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the image of the item in row {code} of the catalogue cannot be decoded ({error}); "
            "`gistrec data check` lists all such images"
        ) from error
