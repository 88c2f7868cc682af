"""SmolVLM-256M's sizes, with a tokenizer and an image processor made on the spot."""

from transformers import Idefics3Config, PreTrainedTokenizerFast
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from gistrec.bench.tokenizer import train_tokenizer
from gistrec.mllm.processor import SplitProcessor

_PAD, _END, _IMAGE = "<|im_end|>", "<end_of_utterance>", "<image>"
_MARKS = ("<|im_start|>", _PAD, _END, "<fake_token_around_image>", "<global-img>", _IMAGE)
_SIDE = 512  # pixels of a frame; 32 x 32 patches, 4 x 4 of them a token: 64 tokens
_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}"
    "{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def processor() -> SplitProcessor:
    """Tokenizer, image processor for PIL, chat template."""
    tokenizer = train_tokenizer(_MARKS, _PAD, _END)
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": _SIDE}, max_image_size={"longest_edge": _SIDE}
    )
    return SplitProcessor(tokenizer, images, _TEMPLATE)


def config(tokenizer: PreTrainedTokenizerFast) -> Idefics3Config:
    """256 million parameters, as HuggingFaceTB/SmolVLM-256M-Instruct states them."""
    pad, end, image = (tokenizer.convert_tokens_to_ids(mark) for mark in (_PAD, _END, _IMAGE))
    return Idefics3Config(
        vision_config={
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "image_size": _SIDE,
            "patch_size": 16,
        },
        text_config={
            "model_type": "llama",
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "vocab_size": 49280,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": False,
            "pad_token_id": pad,
            "bos_token_id": None,
            "eos_token_id": end,
        },
        scale_factor=4,
        image_token_id=image,
        pad_token_id=pad,
        tie_word_embeddings=False,
    )
