"""InternVL: every image as one square frame of a fixed number of tokens.

The published processor also cuts large images into tiles. Here an item is one frame: it keeps an
image's tokens few and alike.
"""

from collections.abc import Sequence

import torch
from PIL import Image

from gistrec.mllm.families.family import Family, Grid, Prepared

_BEGIN, _END = "<img>", "</img>"


class InternVL(Family):
    """InternVL in the form that transformers loads (`...-hf`)."""

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        pixels = self.process(images, crop_to_patches=False)["pixel_values"]
        config = self.model.config
        patch = config.vision_config.patch_size
        down, across = patch if isinstance(patch, (list, tuple)) else (patch, patch)
        grid = (
            int(pixels.shape[-2] // down * config.downsample_ratio),
            int(pixels.shape[-1] // across * config.downsample_ratio),
        )
        return [Prepared({"pixel_values": frame}, grid) for frame in pixels]

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        pixels = torch.stack([one.inputs["pixel_values"] for one in prepared])
        found = self.model.model.get_image_features(self.to_eyes(pixels)).pooler_output
        return [features[None] for features in found]

    def expansion(self, grid: Grid) -> str:
        return f"{_BEGIN}{self.image_token * (grid[0] * grid[1])}{_END}"
