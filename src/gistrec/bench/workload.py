"""Random prompts of given sizes: a user's row, and its candidates as prompts of their own."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Prepared
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.prompts import ItemImage
from gistrec.mllm.vision.features import ImageFeatures

_SIDE = 224  # pixels of an image before its family's processor resizes it
_PICTURES = 2  # different ones; candidates take them in turn
_SEED = 0


@dataclass(frozen=True)
class Shape:
    """How long prompts are.

    Attributes:
        candidates: of the user.
        prefix: tokens of the shared part, the chat's frame before it included.
        candidate: tokens of a candidate's words, the chat's frame behind them included.
        images: each candidate shows an image as well, whose tokens come on top.
    """

    candidates: int
    prefix: int
    candidate: int
    images: bool

    def __str__(self) -> str:
        with_images = "with images" if self.images else "without images"
        return f"{self.candidates} candidates, prefix {self.prefix}, {with_images}"


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images as the vision tower takes them, and what it made of them."""

    prepared: tuple[Prepared, ...]
    features: tuple[torch.Tensor, ...]


@dataclass(frozen=True, eq=False)
class Workload:
    """What every way is given.

    Attributes:
        row: prefix and candidates; candidate c is item c.
        features: of every candidate's image, looked at before.
        prepared: every candidate's image as the vision tower takes it; empty without images.
        image_tokens: of a candidate's image with the marks around it.
    """

    row: Row
    features: ImageFeatures
    prepared: tuple[Prepared, ...]
    image_tokens: int

    @property
    def prompts(self) -> tuple[Tokens, ...]:
        """Each candidate behind the whole prefix."""
        return tuple(self.row.prefix + branch for branch in self.row.branches)

    @property
    def prompt_tokens(self) -> int:
        """Of one such prompt."""
        return len(self.row.prefix.ids) + len(self.row.branches[0].ids)


@torch.no_grad()
def look_at_pictures(backbone: Backbone) -> Pictures:
    """Draw a few images of noise and run each through the vision tower."""
    rng = np.random.default_rng(_SEED)
    drawn = [
        Image.fromarray(rng.integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8))
        for _ in range(_PICTURES)
    ]
    prepared = tuple(backbone.family.prepare(drawn))
    features = tuple(found.cpu() for found in backbone.family.look(prepared))
    return Pictures(prepared, features)


def make_workload(backbone: Backbone, shape: Shape, pictures: Pictures | None) -> Workload:
    """Draw the tokens of a row.

    Args:
        backbone: whose tokens and frame.
        shape: how many.
        pictures: needed where the shape has images.

    Raises:
        ConfigError: the frame alone is longer than asked, or a prompt is longer than the backbone
            reads.
        ValueError: a shape with images without pictures.
    """
    rng = np.random.default_rng([_SEED, shape.candidates, shape.prefix, shape.candidate])
    words = ordinary_ids(backbone)

    def drawn(count: int) -> tuple[int, ...]:
        return tuple(rng.choice(words, count).tolist())

    for name, asked, frame in (
        ("prefix", shape.prefix, backbone.before),
        ("candidate", shape.candidate, backbone.after),
    ):
        if asked <= len(frame):
            raise ConfigError(
                f"a {name} of {asked} tokens leaves no room for words: the chat's frame takes "
                f"{len(frame)} of them; ask for more"
            )
    prefix = Tokens((*backbone.before, *drawn(shape.prefix - len(backbone.before))))
    shown = _pictures_of(shape, pictures)
    branches = tuple(
        _image(backbone, code, shown)
        + Tokens((*drawn(shape.candidate - len(backbone.after)), *backbone.after))
        for code in range(shape.candidates)
    )
    longest = len(prefix.ids) + len(branches[0].ids)
    if longest > backbone.context:
        raise ConfigError(
            f"a prompt of {longest} tokens is more than the {backbone.context} that the backbone "
            "reads: ask for a shorter prefix"
        )
    held = {code: (one.grid, features) for code, (one, features) in enumerate(shown)}
    return Workload(
        Row(prefix, branches),
        ImageFeatures.held(shape.candidates, held),
        tuple(one for one, _ in shown),
        len(branches[0].ids) - shape.candidate,
    )


def _pictures_of(shape: Shape, pictures: Pictures | None) -> list[tuple[Prepared, torch.Tensor]]:
    """An image and its features for each candidate."""
    if not shape.images:
        return []
    if pictures is None:
        raise ValueError("a shape with images needs pictures")
    pairs = list(zip(pictures.prepared, pictures.features, strict=True))
    return [pairs[code % len(pairs)] for code in range(shape.candidates)]


def _image(backbone: Backbone, code: int, shown: list[tuple[Prepared, torch.Tensor]]) -> Tokens:
    if not shown:
        return Tokens(())
    return backbone.tokens([ItemImage(code)], lambda item: shown[item][0].grid)


def ordinary_ids(backbone: Backbone) -> list[int]:
    """Ids of tokens that stand for words, not for marks."""
    tokenizer = backbone.processor.tokenizer
    marks = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    marks |= {backbone.family.image_token_id, *backbone.end_ids}
    return [number for number in range(len(tokenizer)) if number not in marks]
