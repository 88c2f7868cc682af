"""Qwen2.5-VL in small: its tower looks through windows of 2 x 2 tokens, then at all."""

from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor

from families import qwen
from families.language import text_config
from families.tiny import TinyFamily
from families.video import WITHOUT_VIDEO


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    return Qwen2_5_VLConfig(
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "out_hidden_size": qwen.WIDTH,
            "intermediate_size": 48,
            "num_heads": 2,
            "patch_size": qwen.PATCH,
            "spatial_merge_size": qwen.MERGE,
            "temporal_patch_size": 2,
            "window_size": 2 * qwen.SIDE,
            "fullatt_block_indexes": [1],
        },
        text_config=text_config(
            tokenizer, "qwen2_5_vl_text", hidden_size=qwen.WIDTH, rope_parameters=qwen.rope(2, 3, 3)
        ),
        **qwen.mark_ids(tokenizer),
    )


QWEN2_5_VL = TinyFamily(
    name="qwen2_5_vl",
    model_class=Qwen2_5_VLForConditionalGeneration,
    marks=qwen.MARKS,
    template=qwen.TEMPLATE,
    config=_config,
    image_processor=qwen.image_processor,
    make_processor=qwen.processor(Qwen2_5_VLProcessor),
    how=WITHOUT_VIDEO,
    saved_whole=False,
    token_types="mm_token_type_ids",
)
