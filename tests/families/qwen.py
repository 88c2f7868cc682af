"""What the Qwen-VL families share: marks, ChatML, the image processor at tiny sizes."""

from typing import Any

from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from families.language import id_of
from families.tokenizer import Marks
from families.video import without_video

PATCH, MERGE, WIDTH = 4, 2, 64
SIDE = PATCH * MERGE  # pixels of one token
MARKS = Marks(
    all=(
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    ),
    pad="<|endoftext|>",
    ends=("<|im_end|>",),
)
_TURNS = (
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n" + _TURNS
)
TEMPLATE_WITHOUT_SYSTEM = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n" + _TURNS
)


def rope(*sections: int, **more: object) -> dict[str, object]:
    """Rotary positions in time, height and width."""
    return {"rope_type": "default", "rope_theta": 1e4, "mrope_section": list(sections), **more}


def mark_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """The marks that a configuration names."""
    return {
        "image_token_id": id_of(tokenizer, "<|image_pad|>"),
        "video_token_id": id_of(tokenizer, "<|video_pad|>"),
        "vision_start_token_id": id_of(tokenizer, "<|vision_start|>"),
        "vision_end_token_id": id_of(tokenizer, "<|vision_end|>"),
    }


def image_processor() -> Qwen2VLImageProcessorPil:
    """From 4 to 12 tokens an image."""
    return Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        merge_size=MERGE,
        temporal_patch_size=2,
        size={"shortest_edge": 4 * SIDE * SIDE, "longest_edge": 12 * SIDE * SIDE},
    )


def processor(real: type[ProcessorMixin]) -> Any:
    """Makes the family's processor, its video processor left out."""

    def make(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
        return without_video(real)(images, tokenizer, None, chat_template=template)

    return make
