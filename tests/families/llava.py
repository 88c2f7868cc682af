"""LLaVA 1.5 in small: 16-pixel images in 16 tokens, a Llama tokenizer's spelling."""

from typing import Any

from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from families.language import id_of, text_config
from families.tiny import TinyFamily
from families.tokenizer import Marks

SIDE, PATCH = 16, 4
MARKS = Marks(
    all=("<unk>", "<s>", "</s>", "<image>", "<pad>"),
    pad="<pad>",
    bos="<s>",
    ends=("</s>",),
    spelling="pieces",
)
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] != 'system' %}{{ message['role'].upper() + ': ' }}{% endif %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ part['text'] + ' ' }}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def vision_config(side: int, patch: int) -> dict[str, object]:
    """A CLIP tower of three layers, of which the last but one is looked at."""
    return {
        "model_type": "clip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": side,
        "patch_size": patch,
        "projection_dim": 32,
    }


def _config(tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    return LlavaConfig(
        vision_config=vision_config(SIDE, PATCH),
        text_config=text_config(tokenizer, "llama"),
        image_token_index=id_of(tokenizer, "<image>"),
        image_seq_length=(SIDE // PATCH) ** 2,
    )


def _images() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )


def _processor(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> LlavaProcessor:
    return LlavaProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )


LLAVA = TinyFamily(
    name="llava",
    model_class=LlavaForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
)
