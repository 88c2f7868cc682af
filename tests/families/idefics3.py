"""Idefics3 in small: 32-pixel frames in 4 tokens."""

from typing import Any

from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from families.language import id_of, text_config
from families.tiny import TinyFamily
from families.tokenizer import Marks

SIDE, PATCH, SHUFFLE = 32, 4, 4
MARKS = Marks(
    all=(
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<end_of_utterance>",
        "<fake_token_around_image>",
        "<global-img>",
        "<image>",
    ),
    pad="<|im_end|>",
    ends=("<end_of_utterance>",),
)
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}"
    "{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def vision_config(side: int) -> dict[str, object]:
    """A SigLIP-like tower of two layers."""
    return {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": side,
        "patch_size": PATCH,
    }


def _config(tokenizer: PreTrainedTokenizerFast) -> Idefics3Config:
    return Idefics3Config(
        vision_config=vision_config(SIDE),
        text_config=text_config(tokenizer, "llama"),
        scale_factor=SHUFFLE,
        image_token_id=id_of(tokenizer, "<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )


def _images() -> Idefics3ImageProcessorPil:
    return Idefics3ImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )


def _processor(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> Idefics3Processor:
    tokens = (SIDE // PATCH // SHUFFLE) ** 2
    return Idefics3Processor(images, tokenizer, image_seq_len=tokens, chat_template=template)


IDEFICS3 = TinyFamily(
    name="idefics3",
    model_class=Idefics3ForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
    one_frame={"do_image_splitting": False},
    nested_images=True,
)
