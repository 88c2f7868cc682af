"""Published models that differ from their family's usual shape in how they see or attend."""

from dataclasses import replace
from typing import Any

from transformers import (
    LlavaConfig,
    LlavaNextConfig,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from families.llava import LLAVA, PATCH, SIDE
from families.llava_next import LLAVA_NEXT
from families.qwen2_5_vl import QWEN2_5_VL
from families.tiny import TinyFamily

WINDOW = 8


def _llava_processor(class_tokens: int) -> Any:
    def make(images: Any, tokenizer: PreTrainedTokenizerFast, template: str) -> LlavaProcessor:
        return LlavaProcessor(
            images,
            tokenizer,
            patch_size=PATCH,
            vision_feature_select_strategy="full",
            num_additional_image_tokens=class_tokens,
            chat_template=template,
        )

    return make


def _with_class_token(tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    config = LLAVA.config(tokenizer)
    config.vision_feature_select_strategy = "full"
    return config


def _siglip(tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    usual = LLAVA.config(tokenizer)
    vision = usual.vision_config.to_dict()
    vision |= {"model_type": "siglip_vision_model", "vision_use_head": False}
    return LlavaConfig(
        vision_config=vision,
        text_config=usual.text_config,
        image_token_index=usual.image_token_id,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )


def _mistral_window(tokenizer: PreTrainedTokenizerFast) -> LlavaNextConfig:
    config = LLAVA_NEXT.config(tokenizer)
    config.text_config.sliding_window = WINDOW
    return config


def _qwen_window(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    config = QWEN2_5_VL.config(tokenizer)
    config.text_config.use_sliding_window = True
    config.text_config.sliding_window = WINDOW
    config.text_config.layer_types = ["full_attention", "sliding_attention"]
    return config


VARIANTS: dict[str, TinyFamily] = {
    "llava, class token kept": replace(
        LLAVA, config=_with_class_token, make_processor=_llava_processor(1)
    ),
    "llava-interleave, SigLIP": replace(
        LLAVA,
        config=_siglip,
        image_processor=lambda: SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}),
        make_processor=_llava_processor(0),
    ),
    "llava_next, Mistral's window": replace(LLAVA_NEXT, config=_mistral_window),
    "qwen2_5_vl, a window in one layer": replace(QWEN2_5_VL, config=_qwen_window),
}
