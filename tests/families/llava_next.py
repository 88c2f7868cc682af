"""LLaVA-NeXT in small: 16-pixel tiles of 4 tokens, up to four a picture, Mistral's template."""

from typing import Any

from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)

from families.language import id_of, text_config
from families.llava import MARKS, vision_config
from families.tiny import TinyFamily

SIDE, PATCH = 16, 8
LAYOUTS = [[16, 32], [32, 16], [32, 32], [48, 16], [16, 48]]
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ part['text'] }}{% endfor %}{{ ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'][0]['text'] + '</s> ' }}"
    "{% endif %}{% endfor %}"
)


def _config(tokenizer: PreTrainedTokenizerFast) -> LlavaNextConfig:
    return LlavaNextConfig(
        vision_config=vision_config(SIDE, PATCH),
        text_config=text_config(tokenizer, "mistral", sliding_window=None),
        image_token_index=id_of(tokenizer, "<image>"),
        image_grid_pinpoints=LAYOUTS,
        image_seq_length=(SIDE // PATCH) ** 2,
    )


def _images() -> LlavaNextImageProcessorPil:
    return LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE},
        crop_size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=LAYOUTS,
    )


def _processor(
    images: Any, tokenizer: PreTrainedTokenizerFast, template: str
) -> LlavaNextProcessor:
    return LlavaNextProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )


LLAVA_NEXT = TinyFamily(
    name="llava_next",
    model_class=LlavaNextForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
)
