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
from gistrec.mllm.families.family import Grid
from gistrec.progress import track

_BATCH = 64


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of the items that have an image.

    Attributes:
        rows: int64 [n_items], an item's place in ``parts``, -1 without an image.
        grids: int64 [m, 2], rows and columns of each image's tokens.
        parts: features of each image, [k, rows x columns, d].
    """

    rows: npt.NDArray[np.int64]
    grids: npt.NDArray[np.int64]
    parts: tuple[torch.Tensor, ...]

    @classmethod
    def none(cls, n_items: int) -> "ImageFeatures":
        """Of a catalogue without images."""
        return cls(np.full(n_items, -1, np.int64), np.empty((0, 2), np.int64), ())

    def __contains__(self, code: int) -> bool:
        return bool(self.rows[code] >= 0)

    def grid(self, code: int) -> Grid:
        """Rows and columns of the tokens of an item's image."""
        rows, columns = self.grids[self.rows[code]].tolist()
        return rows, columns

    def of(self, codes: Sequence[int], device: torch.device) -> torch.Tensor | None:
        """Features [k, tokens, d] of the images of items, one after the other; None for none."""
        if not codes:
            return None
        return torch.cat([self.parts[self.rows[code]] for code in codes], dim=1).to(device)

    def save(self, file: Path) -> None:
        """Write to one safetensors file, atomically."""
        held = {"rows": torch.from_numpy(self.rows), "grids": torch.from_numpy(self.grids)}
        if self.parts:
            held["table"] = torch.cat(self.parts, dim=1)
        with written_aside(file) as aside:
            save_file(held, aside)

    @classmethod
    def load(cls, file: Path) -> "ImageFeatures":
        """Read what ``save`` wrote."""
        held = load_file(file)
        grids = held["grids"].numpy()
        parts = held["table"].split(grids.prod(1).tolist(), dim=1) if len(grids) else ()
        return cls(held["rows"].numpy(), grids, tuple(parts))


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
    grids: list[Grid] = []
    waiting: list[Image.Image] = []
    count = 0

    def run() -> None:
        if waiting:
            prepared = backbone.family.prepare(waiting)
            grids.extend(one.grid for one in prepared)
            parts.extend(found.cpu() for found in backbone.family.look(prepared))
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
    return ImageFeatures(rows, np.array(grids, np.int64).reshape(-1, 2), tuple(parts))


def _decoded(data: bytes, code: int) -> Image.Image:
    try:
        return Image.open(BytesIO(data)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the image of the item in row {code} of the catalogue cannot be decoded ({error}); "
            "`gistrec data check` lists all such images"
        ) from error
