"""What is asked of a catalogue, and the key under which an answer is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import polars as pl

from gistrec.files import fingerprint_of
from gistrec.mllm import prompts
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.engines.told import Told

About = Literal["image", "text", "both"]
# What an answer comes to, or None where it is no answer: its keywords, or its one sentence.
Said = tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """What there is to be summarised: n_items ids, titles and texts, and which images.

    Attributes:
        images: SHA-256 of each item's encoded image; b"" where there is none.
    """

    item_ids: pl.Series
    titles: Sequence[str]
    texts: Sequence[str]
    images: Sequence[bytes]

    def modalities(self, image: bool, text: bool) -> list["Ask"]:
        """One question for each modality of each item that has it, images first.

        Args:
            image: whether images are asked about.
            text: whether texts are.
        """
        told = enumerate(zip(self.titles, self.texts, strict=True))
        asks = [Ask("image", code) for code, shown in enumerate(self.images) if image and shown]
        return asks + [Ask("text", code) for code, words in told if text and any(words)]


@dataclass(frozen=True)
class Ask:
    """One question about one item.

    Attributes:
        again: whether it is asked a second time, after an answer that was none.
        told: of a question about both modalities: what was said of the image, and of the text.
    """

    about: About
    code: int
    again: bool = False
    told: tuple[str, str] | None = None


class Style(Protocol):
    """What is asked in which order, and what is made of the answers."""

    def first(self) -> list[Ask]:
        """The questions that wait for no answer."""
        ...

    def then(self, said: Mapping[Ask, Said | None]) -> list[Ask]:
        """The questions that the answers to the first give rise to."""
        ...

    def segments(self, ask: Ask) -> list[prompts.Segment]:
        """What the model is asked."""
        ...

    def read(self, ask: Ask, answer: Told) -> Said | None:
        """What an answer comes to."""
        ...

    def columns(self, said: Mapping[tuple[About, int], Said | None]) -> dict[str, list[object]]:
        """The table's columns of what was said, a value an item.

        Args:
            said: by modality and item code; what was asked about alone.
        """
        ...


def key_of(
    segments: Sequence[prompts.Segment], catalogue: Catalogue, identity: str, max_new_tokens: int
) -> str:
    """Stands for question, image, limit and model: equal keys have equal answers."""
    shown = [
        {"image": catalogue.images[part.code].hex()}
        if isinstance(part, prompts.ItemImage)
        else part
        for part in segments
    ]
    return fingerprint_of([identity, shown, [max_new_tokens, prompts.PROMPT_VERSION]])


def question_of(segments: Sequence[prompts.Segment]) -> Question:
    """As engines take it."""
    return Question(tuple(segments))
