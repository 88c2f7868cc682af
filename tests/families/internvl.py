"""InternVL in small, in the form that transformers loads: 16-pixel frames in 4 tokens."""

from typing import Any

from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.internvl.processing_internvl import InternVLProcessor
from transformers.processing_utils import ProcessorMixin

from families.language import id_of, text_config
from families.tiny import TinyFamily
from families.tokenizer import Marks
from families.video import WITHOUT_VIDEO, without_video

SIDE, PATCH, TOKENS = 16, 4, 4
_NAMED = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
MARKS = Marks(
    all=("<|endoftext|>", "<|im_start|>", "<|im_end|>", *_NAMED.values()),
    pad="<|endoftext|>",
    ends=("<|im_end|>",),
    named=_NAMED,
)
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def _config(tokenizer: PreTrainedTokenizerFast) -> InternVLConfig:
    return InternVLConfig(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": [SIDE, SIDE],
            "patch_size": [PATCH, PATCH],
        },
        text_config=text_config(tokenizer, "qwen2"),
        image_token_id=id_of(tokenizer, "<IMG_CONTEXT>"),
        image_seq_length=TOKENS,
    )


def _images() -> GotOcr2ImageProcessorPil:
    return GotOcr2ImageProcessorPil(size={"height": SIDE, "width": SIDE})


def _processor(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
    return without_video(InternVLProcessor)(
        images, tokenizer, None, image_seq_length=TOKENS, chat_template=template
    )


INTERNVL = TinyFamily(
    name="internvl",
    model_class=InternVLForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
    how=WITHOUT_VIDEO,
    saved_whole=False,
    one_frame={"crop_to_patches": False},
)
