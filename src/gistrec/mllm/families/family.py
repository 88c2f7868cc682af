"""What differs between families: how an image becomes tokens, and where tokens stand."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import nn
from transformers import PreTrainedModel

from gistrec.errors import BackboneError
from gistrec.mllm.packing import Tokens

Grid = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image as its family's vision tower takes it.

    Attributes:
        inputs: tensors by the names of the tower's arguments, of this image alone.
        grid: rows and columns of the tokens that it becomes.
    """

    inputs: dict[str, torch.Tensor]
    grid: Grid


class Family(ABC):
    """One model's images and positions.

    Attributes:
        image_token_id: the token whose embedding an image's features replace.
        placeholder: how the chat template writes an image; ``expansion`` takes its place.
        axes: of a token's position: 1, or 3 for rotary positions in time, height and width.
        whole_images: every token of an image sees all of that image.
    """

    axes: ClassVar[int] = 1
    whole_images: ClassVar[bool] = False

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, image_processor: Any, max_tokens: int | None
    ) -> None:
        """Read what the model's configuration says.

        Args:
            model: the whole model.
            tokenizer: its tokenizer.
            image_processor: its image processor.
            max_tokens: of one image; a larger one is shrunk where the family can.

        Raises:
            BackboneError: the family's images always take more than ``max_tokens``.
        """
        self.model = model
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.image_token_id = int(model.config.image_token_id)
        self.limit(max_tokens)

    @property
    def placeholder(self) -> str:
        """How the chat template writes an image."""
        return self.image_token

    @property
    def image_token(self) -> str:
        """The image token's own text."""
        return str(self.tokenizer.convert_ids_to_tokens(self.image_token_id))

    @property
    def eyes(self) -> tuple[nn.Module, ...]:
        """Vision tower and projector."""
        inner = self.model.model
        return tuple(
            getattr(inner, name)
            for name in (
                "vision_tower",
                "vision_model",
                "visual",
                "connector",
                "multi_modal_projector",
            )
            if hasattr(inner, name)
        )

    def limit(self, max_tokens: int | None) -> None:
        """Keep images within ``max_tokens`` each; here for families of one fixed size."""
        if max_tokens is None:
            return
        rows, columns = self.prepare([Image.new("RGB", (64, 64))])[0].grid
        if rows * columns > max_tokens:
            raise self.too_small(max_tokens, rows * columns)

    def too_small(self, max_tokens: int, least: int) -> BackboneError:
        """What a person is told whose limit no image of this family can keep."""
        return BackboneError(
            f"backbone.max_image_tokens is {max_tokens}, but in {self.model.config.model_type} an "
            f"image takes at least {least}; set it to {least} or more, or leave it out"
        )

    @abstractmethod
    def prepare(self, images: Sequence[Image.Image]) -> list[Prepared]:
        """RGB images as the vision tower takes them."""

    @abstractmethod
    def look(self, prepared: Sequence[Prepared]) -> list[torch.Tensor]:
        """Features of each image, [k, rows x columns, d].

        k is 1; more where the tower also feeds later layers of the language model.
        """

    @abstractmethod
    def expansion(self, grid: Grid) -> str:
        """The text that takes the placeholder's place: image tokens and the marks around them."""

    def positions(self, tokens: Tokens) -> tuple[torch.Tensor, int]:
        """Positions of a prompt's tokens, int64 [axes, n], and the position that comes next."""
        count = len(tokens.ids)
        return torch.arange(count).expand(self.axes, count), count

    def process(self, images: Sequence[Image.Image], **options: object) -> Any:
        """The image processor's own answer."""
        return self.image_processor(list(images), return_tensors="pt", **options)

    def to_eyes(self, values: torch.Tensor) -> torch.Tensor:
        """``values`` in the tower's dtype, on its device."""
        weight = next(self.eyes[0].parameters())
        return values.to(weight.device, weight.dtype)
