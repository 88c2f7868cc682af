"""Tokenizers trained on the spot, with a family's own special tokens under their real names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

WORDS = (
    "red blue green sofa lamp chair dotted plain item bought chose come next user A user in this "
    "order: Does this product come next? Keywords of the image: Similar users"
)
TEXTS = [WORDS, "say yes no Yes No", "yes", "no", "Yes", "No", "user\nassistant\nmodel\n"] * 30
SIZE = 640  # the 256 bytes or the printable characters, the marks, and what is learned


@dataclass(frozen=True)
class Marks:
    """A family's special tokens.

    Attributes:
        all: every one, in the order of their ids.
        pad: fills a batch's ragged edge; None where the family has none.
        ends: what ends an answer, the chat's end of turn first.
        bos: what the tokenizer puts before every text, where the family does.
        named: what the family's processor asks the tokenizer for, by name.
        spelling: `bytes` as GPT-2 spells, `pieces` as SentencePiece does: a text begins with a
            space of its own (`pieces`), or not (`bare pieces`, Gemma's).
    """

    all: tuple[str, ...]
    ends: tuple[str, ...]
    pad: str | None = None
    bos: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    spelling: Literal["bytes", "pieces", "bare pieces"] = "bytes"


def train_tokenizer(marks: Marks) -> PreTrainedTokenizerFast:
    """A BPE tokenizer of about ``SIZE`` tokens in the family's spelling."""
    spelled = marks.spelling == "bytes"
    tokenizer = _bytes() if spelled else _pieces(marks.spelling == "pieces")
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(marks.all),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if spelled else _PRINTABLE,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    if marks.bos:
        number = tokenizer.token_to_id(marks.bos)
        tokenizer.post_processor = TemplateProcessing(
            single=f"{marks.bos} $A",
            pair=f"{marks.bos} $A {marks.bos} $B",
            special_tokens=[(marks.bos, number)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=marks.pad,
        bos_token=marks.bos,
        eos_token=marks.ends[-1],
        extra_special_tokens=dict(marks.named),
        padding_side="left",
    )


def _bytes() -> Tokenizer:
    """Byte-level BPE, as of GPT-2, Llama 3 and Qwen."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _pieces(prefix: bool) -> Tokenizer:
    """BPE over SentencePiece's spelling, as of Llama 1 and 2, Mistral and Gemma."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    space = [normalizers.Replace(" ", "\u2581")]
    tokenizer.normalizer = normalizers.Sequence(
        [*([normalizers.Prepend("\u2581")] if prefix else []), *space]
    )
    # Only to learn whole words: SentencePiece itself splits nothing before.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581|\n"), "merged_with_next")
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.Fuse(),
            *([decoders.Strip(" ", 1, 0)] if prefix else []),
        ]
    )
    return tokenizer


_PRINTABLE = [chr(number) for number in range(33, 127)] + ["\n", "\u2581"]
