"""Qwen2.5-VL-7B's sizes, with a tokenizer and an image processor made on the spot."""

from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from gistrec.bench.tokenizer import train_tokenizer
from gistrec.mllm.processor import SplitProcessor

_PAD, _END = "<|endoftext|>", "<|im_end|>"
_IMAGE, _VIDEO = "<|image_pad|>", "<|video_pad|>"
_BEGINS, _ENDS = "<|vision_start|>", "<|vision_end|>"
_MARKS = (_PAD, "<|im_start|>", _END, _BEGINS, _ENDS, _IMAGE, _VIDEO)
_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def processor() -> SplitProcessor:
    """Tokenizer, image processor for PIL, chat template."""
    tokenizer = train_tokenizer(_MARKS, _PAD, _END)
    return SplitProcessor(tokenizer, Qwen2VLImageProcessorPil(), _TEMPLATE)


def config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    """8.3 billion parameters, as Qwen/Qwen2.5-VL-7B-Instruct states them."""
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in _MARKS}
    return Qwen2_5_VLConfig(
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
            "out_hidden_size": 3584,
        },
        text_config={
            "model_type": "qwen2_5_vl_text",
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "vocab_size": 152064,
            "max_position_embeddings": 128000,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [16, 24, 24],
            },
            "pad_token_id": ids[_PAD],
            "bos_token_id": None,
            "eos_token_id": ids[_END],
        },
        image_token_id=ids[_IMAGE],
        video_token_id=ids[_VIDEO],
        vision_start_token_id=ids[_BEGINS],
        vision_end_token_id=ids[_ENDS],
        tie_word_embeddings=False,
    )
