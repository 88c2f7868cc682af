"""What a tiny model of a family is made of: the real classes, small sizes, random weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.processing_utils import ProcessorMixin

from families.tokenizer import Marks, train_tokenizer


@dataclass(frozen=True)
class TinyFamily:
    """One family of backbones in small.

    Attributes:
        name: the model type that its configuration names.
        model_class: the family's real class.
        marks: its special tokens under their published names.
        template: a chat template of the published shape.
        config: the model's configuration for a tokenizer.
        image_processor: the family's own, for PIL, at tiny sizes.
        make_processor: the real processor class of image processor, tokenizer and template.
        how: how that processor was made, for the contract matrix.
        saved_whole: whether that class loads without torchvision, so that a folder may name it.
        one_frame: what tells the image processor not to cut an image into tiles.
        token_types: the forward's argument that marks image tokens, where it takes one.
        nested_images: the image processor takes a list of images for each prompt.
    """

    name: str
    model_class: type[PreTrainedModel]
    marks: Marks
    template: str
    config: Callable[[PreTrainedTokenizerFast], PreTrainedConfig]
    image_processor: Callable[[], Any]
    make_processor: Callable[[Any, PreTrainedTokenizerFast, str], ProcessorMixin]
    how: str = "the real class"
    saved_whole: bool = True
    one_frame: Mapping[str, bool] = field(default_factory=dict)
    token_types: str | None = None
    nested_images: bool = False

    def tokenizer(self) -> PreTrainedTokenizerFast:
        """Trained anew, always the same."""
        return train_tokenizer(self.marks)

    def model(self, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
        """The real class with random weights, the same every time, dropout off."""
        config = self.config(tokenizer)
        model = self.model_class(config).eval()
        scatter(model)
        ends = [tokenizer.convert_tokens_to_ids(end) for end in self.marks.ends]
        model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
        model.generation_config.pad_token_id = tokenizer.pad_token_id
        model.generation_config.bos_token_id = tokenizer.bos_token_id
        return model

    def save(self, folder: Path) -> None:
        """Write a folder as save_pretrained of its parts does."""
        tokenizer = self.tokenizer()
        self.model(tokenizer).save_pretrained(folder)
        if self.saved_whole:
            images = self.image_processor()
            self.make_processor(images, tokenizer, self.template).save_pretrained(folder)
            return
        tokenizer.chat_template = self.template
        tokenizer.save_pretrained(folder)
        self.image_processor().save_pretrained(folder)

    def vision_inputs(self, image_processor: Any, images: Sequence[Image.Image]) -> dict[str, Any]:
        """What the model's forward takes for these images beside their tokens."""
        if not images:
            return {}
        given = [list(images)] if self.nested_images else list(images)
        found = image_processor(given, return_tensors="pt", **self.one_frame)
        taken = ("pixel_values", "pixel_attention_mask", "image_sizes", "image_grid_thw")
        return {name: found[name] for name in taken if name in found}


@torch.no_grad()
def scatter(model: PreTrainedModel, seed: int = 0) -> None:
    """Draw every weight so large that another word, image or place visibly changes the logits."""
    generator = torch.Generator().manual_seed(seed)
    embeddings = {
        id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)
    }
    for value in model.parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() < 2:
            value += 0.1 * noise
        elif id(value) in embeddings:
            value.copy_(0.3 * noise)
        else:
            value.copy_(noise * value[0].numel() ** -0.5)
