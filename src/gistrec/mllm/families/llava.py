"""LLaVA and LLaVA-NeXT: a CLIP-like tower, its patches as tokens; NeXT adds tiles of the image."""

from collections.abc import Sequence

import torch
from PIL import Image
from transformers.models.llava_next.modeling_llava_next import (
    get_anyres_image_grid_shape,
    image_size_to_num_patches,
)

from gistrec.errors import BackboneError
from gistrec.mllm.families.family import Family, Grid, Prepared

_WITH_CLASS_TOKEN, _WITHOUT = "clip_vision_model", "siglip_vision_model"


class Llava(Family):
    """LLaVA: a fixed number of tokens for every image."""

    def limit(self, max_tokens: int | None) -> None:
        """Keep images within ``max_tokens`` each, after the tower is found to be a known one.

        Raises:
            BackboneError: a tower of another kind, as Pixtral's, or too many tokens.
        """
        tower = self.model.config.vision_config.model_type
        if tower not in (_WITH_CLASS_TOKEN, _WITHOUT):
            raise BackboneError(
                f"backbone family {self.model.config.model_type!r} with a vision tower of the "
                f"kind {tower!r} is not supported; the tower must be CLIP or SigLIP"
            )
        super().limit(max_tokens)

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        pixels = self.process(images)["pixel_values"]
        patch = self.model.config.vision_config.patch_size
        grid = (pixels.shape[-2] // patch, pixels.shape[-1] // patch)
        spare = self._spare()
        if spare:
            grid = (1, grid[0] * grid[1] + spare)
        return [Prepared({"pixel_values": frame}, grid) for frame in pixels]

    def _spare(self) -> int:
        """Tokens of an image beyond its patches: a class token that is kept, or a patch dropped."""
        config = self.model.config
        dropped = config.vision_feature_select_strategy == "default"  # the first token, always
        return int(config.vision_config.model_type == _WITH_CLASS_TOKEN) - dropped

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        pixels = torch.stack([one.inputs["pixel_values"] for one in prepared])
        found = self.model.model.get_image_features(self.to_eyes(pixels)).pooler_output
        return [features[None] for features in found]

    def expansion(self, grid: Grid) -> str:
        return self.image_token * (grid[0] * grid[1])


class LlavaNext(Llava):
    """LLaVA-NeXT: the whole image, then its tiles with a mark at each row's end."""

    def limit(self, max_tokens: int | None) -> None:
        """Leave out the layouts of tiles that would take more than ``max_tokens``."""
        super().limit(None)
        if max_tokens is None:
            return
        vision = self.model.config.vision_config
        side = vision.image_size // vision.patch_size

        def most(layout: Sequence[int]) -> int:
            down, across = (length // vision.image_size for length in layout)
            return side * side + self._spare() + down * side * (across * side + 1)

        layouts = self.model.config.image_grid_pinpoints
        kept = [layout for layout in layouts if most(layout) <= max_tokens]
        if not kept:
            smallest = min(most(layout) for layout in layouts)
            raise self.too_small(max_tokens, smallest)
        self.model.config.image_grid_pinpoints = kept
        self.image_processor.image_grid_pinpoints = kept

    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        config = self.model.config
        prepared = []
        for image in images:
            found = self.process([image], do_pad=False)
            height, width = found["image_sizes"][0].tolist()
            tiles = image_size_to_num_patches(
                (height, width), config.image_grid_pinpoints, config.vision_config.image_size
            )
            inputs = {
                "pixel_values": found["pixel_values"][0][:tiles],
                "image_sizes": torch.tensor([height, width]),
            }
            prepared.append(Prepared(inputs, (1, self._tokens(height, width))))
        return prepared

    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        tiles = torch.cat([one.inputs["pixel_values"] for one in prepared])
        sizes = torch.stack([one.inputs["image_sizes"] for one in prepared])
        found = self.model.model.get_image_features(
            self.to_eyes(tiles), image_sizes=sizes
        ).pooler_output
        return [features[None] for features in found]

    def _tokens(self, height: int, width: int) -> int:
        """How many tokens an image of this size becomes, its padding taken off again."""
        config = self.model.config
        side = config.vision_config.image_size // config.vision_config.patch_size
        down, across = get_anyres_image_grid_shape(
            (height, width), config.image_grid_pinpoints, config.vision_config.image_size
        )
        rows, columns = down * side, across * side
        if width / height > columns / rows:
            rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
        else:
            columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
        base = side * side + self._spare()
        return rows * (columns + 1) + base
