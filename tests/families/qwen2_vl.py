"""Qwen2-VL in small."""

from transformers import PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.processing_qwen2_vl import Qwen2VLProcessor

from families import qwen
from families.language import text_config
from families.tiny import TinyFamily
from families.video import WITHOUT_VIDEO


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLConfig:
    return Qwen2VLConfig(
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": qwen.WIDTH,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": qwen.PATCH,
            "spatial_merge_size": qwen.MERGE,
            "temporal_patch_size": 2,
        },
        text_config=text_config(
            tokenizer, "qwen2_vl_text", hidden_size=qwen.WIDTH, rope_parameters=qwen.rope(2, 3, 3)
        ),
        **qwen.mark_ids(tokenizer),
    )


QWEN2_VL = TinyFamily(
    name="qwen2_vl",
    model_class=Qwen2VLForConditionalGeneration,
    marks=qwen.MARKS,
    template=qwen.TEMPLATE,
    config=_config,
    image_processor=qwen.image_processor,
    make_processor=qwen.processor(Qwen2VLProcessor),
    how=WITHOUT_VIDEO,
    saved_whole=False,
    token_types="mm_token_type_ids",
)
