"""One saved family loaded twice: by gistrec, and by its own classes as the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from families.reference import Reference
from families.tiny import TinyFamily
from gistrec.config.backbone import BackboneConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.loading import load_backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.prompts import Segment
from gistrec.mllm.vision.features import ImageFeatures

SIZES = ((40, 64), (64, 40), (64, 64), (90, 30), (14, 50), (24, 24))  # width, height
Prompt = tuple[Sequence[Segment], Sequence[Sequence[Segment]]]


@dataclass(frozen=True, eq=False, repr=False)
class Pair:
    """A family as gistrec runs it and as it runs itself.

    Attributes:
        family: which.
        folder: where it was saved.
        backbone: gistrec's.
        reference: the family's own.
        pictures: the catalogue's images, item by item.
        features: gistrec's of them.
    """

    family: TinyFamily
    folder: Path
    backbone: Backbone
    reference: Reference
    pictures: tuple[Image.Image, ...]
    features: ImageFeatures

    @classmethod
    def load(
        cls, family: TinyFamily, folder: Path, options: BackboneConfig | None = None
    ) -> "Pair":
        """Load a saved folder on both sides; in float32 on the CPU, or as ``options`` say."""
        options = options or BackboneConfig(device="cpu")
        dtype = torch.bfloat16 if options.dtype == "bfloat16" else torch.float32
        backbone = load_backbone(folder, options)
        pictures = tuple(picture(number, size) for number, size in enumerate(SIZES))
        return cls(
            family,
            folder,
            backbone,
            Reference.load(family, folder, dtype),
            pictures,
            looked_at(backbone, pictures),
        )

    def row(self, prompt: Prompt) -> Row:
        """A packed row of the prompt, in the chat's frame."""
        prefix, branches = prompt
        made, after = self.backbone.tokens, Tokens(self.backbone.after)
        return Row(
            Tokens(self.backbone.before) + made(prefix, self.features.grid),
            tuple(made(branch, self.features.grid) + after for branch in branches),
        )

    def images_of(self, tokens: Tokens) -> list[Image.Image]:
        """The pictures in a prompt."""
        return [self.pictures[code] for code in tokens.codes]

    def expected(self, row: Row) -> torch.Tensor:
        """Logits [branches, vocabulary] by the family's own forward, one prompt at a time."""
        prompts = [row.prefix + branch for branch in row.branches]
        return torch.stack(
            [self.reference.logits(one.ids, self.images_of(one))[-1] for one in prompts]
        )

    def yes_minus_no(self, logits: torch.Tensor) -> torch.Tensor:
        """Log p(yes) - log p(no), float32 [n] from logits [n, vocabulary]."""
        yes, no = (
            logits[:, list(ids)].float().logsumexp(-1)
            for ids in (self.backbone.yes_ids, self.backbone.no_ids)
        )
        return yes - no


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Noise over a colour of its own, so that it stays apart when shrunk."""
    generator = np.random.default_rng(seed)
    colour = generator.integers(0, 256, 3)
    noise = generator.integers(0, 256, (size[1], size[0], 3))
    return Image.fromarray(((colour + noise) / 2).astype(np.uint8))


@torch.no_grad()
def looked_at(backbone: Backbone, pictures: Sequence[Image.Image]) -> ImageFeatures:
    """Features of the pictures, each run on its own."""
    family = backbone.family
    prepared = [family.prepare([one])[0] for one in pictures]
    return ImageFeatures.held(
        len(pictures),
        {code: (one.grid, family.look([one])[0]) for code, one in enumerate(prepared)},
    )
