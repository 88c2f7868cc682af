"""What the log says about a user and a candidate, told in the prompt."""

from typing import Literal

from pydantic import Field

from gistrec.config.base import StageConfig
from gistrec.config.text import SentenceEncoderKind

EvidenceKind = Literal["shared", "similar", "encoder", "popularity"]


class EvidenceConfig(StageConfig):
    """Evidence, and so whether there is a system `<name>+evidence` beside the pure one.

    Attributes:
        kinds: `shared`, training users who share a history item and chose the candidate;
            `similar`, those who share one and chose something alike in content; `encoder`, where
            the sequence encoder ranks the candidate in the catalogue; `popularity`, where the
            training log does. Empty for no such system.
        similar_items: items alike in content to each item, by the sentence encoder.
        sentences: which sentence encoder; `auto` is MiniLM where it is installed, else LSA.
        latest: history items that are looked at, the latest ones.
        as_if_cold: share of the candidates of training prompts that are told of as if the log did
            not hold them, so that a cold item's evidence is not a sight never seen.
        paths: ways from the history to an item that explain it, at most.
    """

    kinds: tuple[EvidenceKind, ...] = ("shared", "similar", "encoder", "popularity")
    similar_items: int = Field(default=10, ge=1)
    sentences: SentenceEncoderKind = "auto"
    latest: int = Field(default=50, ge=1)
    as_if_cold: float = Field(default=0.1, ge=0, lt=1)
    paths: int = Field(default=3, ge=1)
