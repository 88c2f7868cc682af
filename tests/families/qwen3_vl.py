"""Qwen3-VL in small: two layers of its tower also feed the language model's first two."""

from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor

from families import qwen
from families.language import text_config
from families.tiny import TinyFamily
from families.video import WITHOUT_VIDEO


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    return Qwen3VLConfig(
        vision_config={
            "depth": 3,
            "hidden_size": 32,
            "out_hidden_size": qwen.WIDTH,
            "intermediate_size": 48,
            "num_heads": 2,
            "patch_size": qwen.PATCH,
            "spatial_merge_size": qwen.MERGE,
            "temporal_patch_size": 2,
            "num_position_embeddings": 36,
            "deepstack_visual_indexes": [0, 1],
        },
        text_config=text_config(
            tokenizer,
            "qwen3_vl_text",
            hidden_size=qwen.WIDTH,
            head_dim=16,
            num_hidden_layers=3,
            rope_parameters=qwen.rope(4, 2, 2, mrope_interleaved=True),
        ),
        **qwen.mark_ids(tokenizer),
    )


QWEN3_VL = TinyFamily(
    name="qwen3_vl",
    model_class=Qwen3VLForConditionalGeneration,
    marks=qwen.MARKS,
    template=qwen.TEMPLATE_WITHOUT_SYSTEM,
    config=_config,
    image_processor=qwen.image_processor,
    make_processor=qwen.processor(Qwen3VLProcessor),
    how=WITHOUT_VIDEO,
    saved_whole=False,
    token_types="mm_token_type_ids",
)
