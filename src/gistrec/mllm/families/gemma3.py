"""Gemma 3: a fixed number of tokens for every image, each of which sees all of its image."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from PIL import Image

from gistrec.mllm.families.family import Family, Grid, Prepared


class Gemma3(Family):
    """Gemma 3, without pan-and-scan crops."""

    whole_images: ClassVar[bool] = True

    @property
    def placeholder(self) -> str:
        """The template writes the mark that begins an image."""
        return self._mark("boi_token_index")

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        pixels = self.process(images, do_pan_and_scan=False)["pixel_values"]
        side = int(self.model.config.mm_tokens_per_image**0.5)
        return [Prepared({"pixel_values": frame}, (side, side)) for frame in pixels]

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        pixels = torch.stack([one.inputs["pixel_values"] for one in prepared])
        found = self.model.model.get_image_features(self.to_eyes(pixels)).pooler_output
        return [features[None] for features in found]

    def expansion(self, grid: Grid) -> str:
        tokens = self.image_token * (grid[0] * grid[1])
        return f"\n\n{self._mark('boi_token_index')}{tokens}{self._mark('eoi_token_index')}\n\n"

    def _mark(self, name: str) -> str:
        return str(self.tokenizer.convert_ids_to_tokens(getattr(self.model.config, name)))
