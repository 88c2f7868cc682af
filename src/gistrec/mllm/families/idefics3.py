"""Idefics3 and SmolVLM: every image as one square frame, its patches shuffled into fewer tokens.

The published processors also cut large images into tiles of that size. Here an item is one frame:
it keeps an image's tokens few and alike.
"""

from collections.abc import Sequence

import torch
from PIL import Image

from gistrec.mllm.families.family import Family, Grid, Prepared

_AROUND, _GLOBAL = "<fake_token_around_image>", "<global-img>"


class Idefics3(Family):
    """Idefics3 and SmolVLM (the published SmolVLM-256M is an Idefics3)."""

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        pixels = self.process(
            [[image] for image in images],  # type: ignore[misc]  # one image a sample
            do_image_splitting=False,
            do_pad=True,
        )["pixel_values"][:, 0]
        config = self.model.config
        step = config.vision_config.patch_size * config.scale_factor
        grid = (pixels.shape[-2] // step, pixels.shape[-1] // step)
        return [Prepared({"pixel_values": frame}, grid) for frame in pixels]

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        pixels = torch.stack([one.inputs["pixel_values"] for one in prepared])
        found = self.model.model.get_image_features(self.to_eyes(pixels)[:, None]).pooler_output
        return [features[None] for features in found]

    def expansion(self, grid: Grid) -> str:
        tokens = self.image_token * (grid[0] * grid[1])
        return f"{_AROUND}{_GLOBAL}{tokens}{_AROUND}"
