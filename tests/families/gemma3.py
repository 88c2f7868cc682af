"""Gemma 3 in small: images of 16 tokens that see each other, layers with a window of 8 tokens."""

from typing import Any

from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from families.language import id_of, text_config
from families.tiny import TinyFamily
from families.tokenizer import Marks

SIDE, PATCH, TOKENS, WINDOW = 32, 4, 16, 8
_NAMED = {
    "boi_token": "<start_of_image>",
    "image_token": "<image_soft_token>",
    "eoi_token": "<end_of_image>",
}
MARKS = Marks(
    all=(
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        *_NAMED.values(),
    ),
    pad="<pad>",
    bos="<bos>",
    ends=("<end_of_turn>", "<eos>"),
    named=_NAMED,
    spelling="bare pieces",
)
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<start_of_image>' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] | trim }}{% endif %}{% endfor %}"
    "{{ '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def _config(tokenizer: PreTrainedTokenizerFast) -> Gemma3Config:
    return Gemma3Config(
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIDE,
            "patch_size": PATCH,
            "vision_use_head": False,
        },
        text_config=text_config(
            tokenizer,
            "gemma3_text",
            num_hidden_layers=3,
            head_dim=16,
            query_pre_attn_scalar=16,
            sliding_window=WINDOW,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        ),
        mm_tokens_per_image=TOKENS,
        boi_token_index=id_of(tokenizer, "<start_of_image>"),
        eoi_token_index=id_of(tokenizer, "<end_of_image>"),
        image_token_index=id_of(tokenizer, "<image_soft_token>"),
    )


def _images() -> Gemma3ImageProcessorPil:
    return Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE})


def _processor(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> Gemma3Processor:
    return Gemma3Processor(images, tokenizer, chat_template=template, image_seq_length=TOKENS)


GEMMA3 = TinyFamily(
    name="gemma3",
    model_class=Gemma3ForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
    token_types="token_type_ids",
)
