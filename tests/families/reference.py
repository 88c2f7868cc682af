"""The independent truth: the real class's public forward, one prompt at a time, no gistrec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoTokenizer, PreTrainedModel

from families.tiny import TinyFamily
from gistrec.mllm.processor import load_image_processor
from gistrec.mllm.prompts import ItemImage, Segment

Pictures = Mapping[int, Image.Image] | Sequence[Image.Image]


@dataclass(frozen=True, eq=False)
class Reference:
    """A saved family, loaded by its own classes and run as its authors' examples do.

    Attributes:
        family: which.
        model: loaded from the folder.
        processor: the family's real class, see ``TinyFamily.how``.
    """

    family: TinyFamily
    model: PreTrainedModel
    processor: Any

    @classmethod
    def load(
        cls, family: TinyFamily, folder: Path, dtype: torch.dtype = torch.float32
    ) -> "Reference":
        """Load what ``family.save`` wrote."""
        tokenizer = AutoTokenizer.from_pretrained(folder)
        images = load_image_processor(str(folder))
        model = family.model_class.from_pretrained(folder, dtype=dtype).eval()
        return cls(family, model, family.make_processor(images, tokenizer, family.template))

    def text(self, segments: Sequence[Segment]) -> str:
        """The question in the chat's frame, images not yet expanded."""
        content: list[dict[str, str]] = []
        for part in segments:
            if isinstance(part, ItemImage):
                content.append({"type": "image"})
            elif content and content[-1]["type"] == "text":  # templates may trim each
                content[-1] = {"type": "text", "text": content[-1]["text"] + part}
            else:
                content.append({"type": "text", "text": part})
        text: str = self.processor.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            chat_template=self.processor.chat_template,
            add_generation_prompt=True,
            tokenize=False,
        )
        return text

    def ids(self, segments: Sequence[Segment], pictures: Pictures) -> tuple[int, ...]:
        """The question's ids by the real processor."""
        text = self.text(segments)
        images = [pictures[part.code] for part in segments if isinstance(part, ItemImage)]
        bos = self.processor.tokenizer.bos_token
        found = self.processor(
            text=[text],
            images=images or None,
            # As apply_chat_template does: no second one where the template writes it.
            add_special_tokens=not (bos and text.startswith(bos)),
            **(self.family.one_frame if images else {}),
        )
        return tuple(int(number) for number in found["input_ids"][0])

    def inputs(self, ids: Sequence[int], images: Sequence[Image.Image]) -> dict[str, Any]:
        """What the forward takes: ids, and pictures in the order of their tokens."""
        tokens = torch.tensor([list(ids)])
        found = self.family.vision_inputs(self.processor.image_processor, images)
        pixels = found.get("pixel_values")
        if pixels is not None:
            found["pixel_values"] = pixels.to(self.model.dtype)
        types = self.family.token_types
        if types:
            found[types] = (tokens == self.model.config.image_token_id).long()
        return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), **found}

    @torch.no_grad()
    def logits(self, ids: Sequence[int], images: Sequence[Image.Image] = ()) -> torch.Tensor:
        """Logits [s, vocabulary] of one prompt."""
        return self.model(**self.inputs(ids, images)).logits[0]

    @torch.no_grad()
    def generate(
        self, ids: Sequence[int], images: Sequence[Image.Image], max_new_tokens: int
    ) -> tuple[int, ...]:
        """The greedy answer's ids, its end included."""
        inputs = self.inputs(ids, images)
        found = self.model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        return tuple(found[0, len(ids) :].tolist())
