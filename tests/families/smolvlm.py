"""SmolVLM in small: 16-pixel frames in 4 tokens, Idefics3's marks and template."""

from typing import Any
from unittest import mock

from transformers import PreTrainedTokenizerFast, SmolVLMConfig, SmolVLMForConditionalGeneration
from transformers.models.smolvlm import processing_smolvlm
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from families.idefics3 import MARKS, PATCH, TEMPLATE, vision_config
from families.language import id_of, text_config
from families.tiny import TinyFamily
from families.video import WITHOUT_VIDEO, without_video

SIDE, SHUFFLE = 16, 2


def _config(tokenizer: PreTrainedTokenizerFast) -> SmolVLMConfig:
    return SmolVLMConfig(
        vision_config=vision_config(SIDE),
        text_config=text_config(tokenizer, "llama"),
        scale_factor=SHUFFLE,
        image_token_id=id_of(tokenizer, "<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )


def _images() -> SmolVLMImageProcessorPil:
    return SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )


def _processor(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
    tokens = (SIDE // PATCH // SHUFFLE) ** 2
    # It asks for num2words, with which it writes out the number of a video's frames.
    with mock.patch.object(processing_smolvlm, "num2words", str):
        return without_video(processing_smolvlm.SmolVLMProcessor)(
            images, tokenizer, None, image_seq_len=tokens, chat_template=template
        )


SMOLVLM = TinyFamily(
    name="smolvlm",
    model_class=SmolVLMForConditionalGeneration,
    marks=MARKS,
    template=TEMPLATE,
    config=_config,
    image_processor=_images,
    make_processor=_processor,
    how=WITHOUT_VIDEO,
    saved_whole=False,
    one_frame={"do_image_splitting": False},
    nested_images=True,
)
