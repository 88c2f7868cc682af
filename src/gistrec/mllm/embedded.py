"""The embedded backbone: an Idefics3, SmolVLM-256M's class, small enough to be made on the spot."""

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from gistrec.config.backbone import EmbeddedConfig

PAD, END, USER, ASSISTANT = "<pad>", "<end_of_utterance>", "<user>", "<assistant>"
IMAGE, AROUND_IMAGE, GLOBAL_IMAGE = "<image>", "<fake_token_around_image>", "<global-img>"
_SPECIAL = (PAD, END, USER, ASSISTANT, IMAGE, AROUND_IMAGE, GLOBAL_IMAGE)
_SHUFFLE = 4  # pixel shuffle: 4 x 4 patches make one image token
_MAKER = "gistrec"  # a mark in the model's configuration, which is saved with it
_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<user>' if message['role'] == 'user' else '<assistant>' }}"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}"
    "{% endfor %}"
    "{{ '<end_of_utterance>' }}"
    "{% endfor %}"
    "{{ '<assistant>' if add_generation_prompt else '' }}"
)


def image_tokens(config: EmbeddedConfig) -> int:
    """How many tokens one image takes, the marks around it not counted."""
    return (config.image_side // config.patch // _SHUFFLE) ** 2


def train_tokenizer(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """A lower-casing byte-level BPE tokenizer of at most ``size`` tokens for ``texts``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        chat_template=_CHAT_TEMPLATE,
        padding_side="left",
    )


def make_processor(tokenizer: PreTrainedTokenizerFast, config: EmbeddedConfig) -> Idefics3Processor:
    """The processor that squeezes each image to one square and frames it as SmolVLM does."""
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": config.image_side},
        max_image_size={"longest_edge": config.image_side},
        do_image_splitting=False,
    )
    return Idefics3Processor(
        images, tokenizer, image_seq_len=image_tokens(config), chat_template=_CHAT_TEMPLATE
    )


def make_model(
    tokenizer: PreTrainedTokenizerFast, config: EmbeddedConfig
) -> Idefics3ForConditionalGeneration:
    """A model with random weights drawn from the configuration's seed."""
    torch.manual_seed(config.seed)
    end, pad = (tokenizer.convert_tokens_to_ids(token) for token in (END, PAD))
    shape = Idefics3Config(
        vision_config={
            "hidden_size": config.vision_width,
            "intermediate_size": config.vision_width * 3,
            "num_hidden_layers": config.vision_layers,
            "num_attention_heads": config.heads,
            "image_size": config.image_side,
            "patch_size": config.patch,
            "initializer_range": config.vision_width**-0.5,
        },
        text_config={
            "model_type": "llama",
            "hidden_size": config.width,
            "intermediate_size": config.width * 5 // 2,
            "num_hidden_layers": config.layers,
            "num_attention_heads": config.heads,
            "num_key_value_heads": config.heads,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 8192,
            "tie_word_embeddings": True,
            "initializer_range": config.width**-0.5,
            "pad_token_id": pad,
            "bos_token_id": None,
            "eos_token_id": end,
        },
        scale_factor=_SHUFFLE,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        tie_word_embeddings=True,
    )
    shape.made_by = _MAKER
    model = Idefics3ForConditionalGeneration(shape)
    model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = pad
    return model


def is_embedded(model: PreTrainedModel) -> bool:
    """Whether gistrec made this model itself."""
    return getattr(model.config, "made_by", None) == _MAKER
