"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: images in their own shape, positions in three dimensions."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from PIL import Image

from gistrec.mllm.families.family import Family, Grid, Prepared
from gistrec.mllm.packing import Tokens

_LONGEST = 200  # times as long as wide: longer ones the image processor refuses


class QwenVL(Family):
    """Qwen2-VL and Qwen2.5-VL: an image takes as many tokens as its pixels ask for."""

    axes: ClassVar[int] = 3

    def limit(self, max_tokens: int | None) -> None:
        """Shrink larger images to ``max_tokens`` of merged patches."""
        if max_tokens is None:
            return
        size, token = self.image_processor.size, self._side**2
        longest = min(int(size["longest_edge"]), max_tokens * token)
        # A smaller image is enlarged to so many pixels, then each side is rounded up.
        shortest = min(int(size["shortest_edge"]), max(1, max_tokens // 4) * token)
        self.image_processor.size = {"shortest_edge": shortest, "longest_edge": longest}

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        found = self.process([self._squeezed(image) for image in images])
        grids = found["image_grid_thw"]
        patches = found["pixel_values"].split(grids.prod(-1).tolist())
        merge = self.model.config.vision_config.spatial_merge_size
        return [
            Prepared(
                {"pixel_values": part, "image_grid_thw": grid},
                (int(grid[1]) // merge, int(grid[2]) // merge),
            )
            for part, grid in zip(patches, grids, strict=True)
        ]

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        patches = torch.cat([one.inputs["pixel_values"] for one in prepared])
        patches = self.to_eyes(patches)
        grids = torch.stack([one.inputs["image_grid_thw"] for one in prepared])
        found = self.model.model.get_image_features(
            patches, image_grid_thw=grids.to(patches.device)
        )
        # Qwen3-VL's tower also feeds the language model's first layers.
        levels = [found.pooler_output, *(getattr(found, "deepstack_features", None) or ())]
        sizes = [one.grid[0] * one.grid[1] for one in prepared]
        # Older releases leave the deeper levels of all images in one piece.
        apart = [x.split_with_sizes(sizes) if isinstance(x, torch.Tensor) else x for x in levels]
        return [torch.stack(parts) for parts in zip(*apart, strict=True)]

    @property
    def _side(self) -> int:
        """Pixels of one token."""
        return int(self.image_processor.patch_size * self.image_processor.merge_size)

    def _squeezed(self, image: Image.Image) -> Image.Image:
        """The image, so long that even one row of tokens keeps the limit and the processor's."""
        tokens = int(self.image_processor.size["longest_edge"]) // self._side**2
        most = min(image.size) * max(1, min(tokens, _LONGEST))
        if max(image.size) <= most:
            return image
        return image.resize((min(image.width, most), min(image.height, most)))

    def expansion(self, grid: Grid) -> str:
        return self.image_token * (grid[0] * grid[1])

    def positions(self, tokens: Tokens) -> tuple[torch.Tensor, int]:
        """Text counts on; an image's tokens share a time and spread over height and width."""
        places = torch.empty(3, len(tokens.ids), dtype=torch.long)
        images = iter(tokens.images)
        at, position = 0, 0
        while at < len(tokens.ids):
            if tokens.ids[at] != self.image_token_id:
                places[:, at] = position
                at, position = at + 1, position + 1
                continue
            picture = next(images)
            rows, columns = picture.rows, picture.columns
            end = at + rows * columns
            places[0, at:end] = position
            places[1, at:end] = position + torch.arange(rows).repeat_interleave(columns)
            places[2, at:end] = position + torch.arange(columns).repeat(rows)
            at, position = end, position + max(rows, columns)
        return places, position
