"""Tokenizers trained on the spot: a benchmark needs token ids, not sense."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

_WORDS, _SYLLABLES = 6000, ("ba", "chi", "dor", "el", "fum", "ga", "lis", "mo", "nep", "ru", "ta")
_ANSWERS = "say yes no Yes No"


def invented_texts() -> list[str]:
    """Lines of invented words, always the same, enough for a few thousand tokens."""
    rng = np.random.default_rng(0)
    words = [
        "".join(rng.choice(_SYLLABLES, size))
        for size in rng.integers(2, 6, _WORDS)  # syllables a word
    ]
    lines = [" ".join(words[start : start + 12]) for start in range(0, len(words), 12)]
    return [*lines, *[_ANSWERS, *_ANSWERS.split()] * 30]


def train_tokenizer(
    marks: Sequence[str], pad: str, end: str, size: int = 1000
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of at most ``size`` tokens, the special ``marks`` first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(marks),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(invented_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, eos_token=end, padding_side="left"
    )
