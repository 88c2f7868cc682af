"""What is asked of a catalogue, and the key under which an answer is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from gistrec.config.gist import GistConfig
from gistrec.files import fingerprint_of
from gistrec.mllm import prompts
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.shortening import text_segments

About = Literal["image", "text"]


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


@dataclass(frozen=True)
class Ask:
    """One question about one item."""

    about: About
    code: int
    again: bool = False


@dataclass(frozen=True)
class Asking:
    """The questions about a catalogue.

    Attributes:
        count: how many tokens a text takes.
    """

    catalogue: Catalogue
    config: GistConfig
    who: Answering
    count: Callable[[str], int]

    def first(self) -> list[Ask]:
        """One question for each modality of each item that has it, images first."""
        shown, told = self.catalogue, zip(self.catalogue.titles, self.catalogue.texts, strict=True)
        asks = [Ask("image", code) for code, image in enumerate(shown.images) if image]
        asks += [Ask("text", code) for code, (title, text) in enumerate(told) if title or text]
        return [ask for ask in asks if self.most(ask)]

    def most(self, ask: Ask) -> int:
        """How many keywords of its answer are kept."""
        return self.config.image_keywords if ask.about == "image" else self.config.text_keywords

    def question(self, ask: Ask) -> Question:
        """What the model is asked."""
        if ask.about == "image":
            segments = prompts.image_keywords(ask.code)
        else:
            title, text = self.catalogue.titles[ask.code], self.catalogue.texts[ask.code]
            segments = text_segments(self.count, title, text, self.config.max_text_tokens)
        if ask.again:
            segments = prompts.insisted(segments, self.most(ask))
        return Question(tuple(segments))

    def key(self, question: Question) -> str:
        """Stands for the question, the image and the model: equal keys have equal answers."""
        shown = [
            {"image": self.catalogue.images[part.code].hex()}
            if isinstance(part, prompts.ItemImage)
            else part
            for part in question.segments
        ]
        limits = [self.config.max_new_tokens, prompts.PROMPT_VERSION]
        return fingerprint_of([self.who.identity, shown, limits])
