"""Image features of a catalogue: every image goes through the vision tower once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from gistrec.errors import DataError
from gistrec.files import written_aside
from gistrec.mllm.backbone import Backbone
from gistrec.progress import track

_BATCH = 64


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of the items that have an image.

    Attributes:
        rows: int64 [n_items], an item's row in ``table``, -1 without an image.
        table: [m, tokens an image, d].
    """

    rows: npt.NDArray[np.int64]
    table: torch.Tensor

    def __contains__(self, code: int) -> bool:
        return bool(self.rows[code] >= 0)

    def of(self, codes: Sequence[int], device: torch.device) -> torch.Tensor | None:
        """Features [k, tokens an image, d] of items that have an image; None for no items."""
        if not codes:
            return None
        return self.table[torch.from_numpy(self.rows[list(codes)])].to(device)

    def save(self, file: Path) -> None:
        """Write to one safetensors file, atomically."""
        with written_aside(file) as aside:
            save_file({"rows": torch.from_numpy(self.rows), "table": self.table}, aside)

    @classmethod
    def load(cls, file: Path) -> "ImageFeatures":
        """Read what ``save`` wrote."""
        held = load_file(file)
        return cls(held["rows"].numpy(), held["table"])


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
    rows = np.full(n_items, -1, dtype=np.int64)
    parts: list[torch.Tensor] = []
    waiting: list[Image.Image] = []
    count = 0

    def run() -> None:
        if waiting:
            parts.append(backbone.features(backbone.pixels(waiting)).cpu())
            waiting.clear()

    for code in track(range(n_items), "looking at images"):
        image = image_of(code)
        if image is None:
            continue
        rows[code], count = count, count + 1
        waiting.append(_decoded(image, code))
        if len(waiting) == _BATCH:
            run()
    run()
    empty = torch.zeros(0, 1, backbone.model.config.text_config.hidden_size)
    return ImageFeatures(rows, torch.cat(parts) if parts else empty)


def _decoded(data: bytes, code: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the image of the item in row {code} of the catalogue cannot be decoded ({error}); "
            "`gistrec data check` lists all such images"
        ) from error
