"""How items become gists."""

from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.engine import EngineConfig
from gistrec.config.gist_tuning import GistTuningConfig
from gistrec.config.text import SentenceEncoderKind

Style = Literal["keywords", "sentences"]
_OF_KEYWORDS = ("image_keywords", "text_keywords")
_OF_SENTENCES = ("image_words", "text_words", "summary_words")


class GistConfig(StageConfig):
    """The gist stage.

    Attributes:
        style: `keywords` of the image and of the text apart (MMSRARec), or `sentences`: the image
            described, the text summarised, the two joined in a third (MLLM-MSR).
        image_keywords, text_keywords: at most so many are kept of each modality.
        image_words, text_words: at most so many words take the sentences on each modality; as many
            for the one as for the other, so that text does not drown the image. 0 leaves one out.
        summary_words: likewise the sentence that joins both.
        max_new_tokens: where an answer is cut.
        max_text_tokens: a longer text is shortened at its end before it is asked about.
        batch_size: questions answered at once, by the local engine.
        engine: who answers.
        tuning: whether who answers is tuned by rewards first.
        encoder: sentence encoder by which the finished gists are judged.
    """

    style: Style = "keywords"
    image_keywords: int = Field(default=6, ge=0)
    text_keywords: int = Field(default=6, ge=0)
    image_words: int = Field(default=12, ge=0)
    text_words: int = Field(default=12, ge=0)
    summary_words: int = Field(default=24, ge=1)
    max_new_tokens: int = Field(default=32, ge=1)
    max_text_tokens: int = Field(default=160, ge=8)
    batch_size: int = Field(default=128, ge=1)
    engine: EngineConfig = EngineConfig()
    tuning: GistTuningConfig = GistTuningConfig()
    encoder: SentenceEncoderKind = "auto"

    @model_validator(mode="after")
    def _keywords_are_tuned(self) -> "GistConfig":
        if self.tuning.kind != "none" and self.style == "sentences":
            raise ValueError(
                "tuning.kind=grpo rewards keywords, but style=sentences asks for sentences: "
                "set one of them otherwise"
            )
        return self

    @model_validator(mode="after")
    def _what_is_tuned_answers(self) -> "GistConfig":
        if self.tuning.kind != "none" and self.engine.kind == "server":
            raise ValueError(
                "tuning.kind=grpo tunes the backbone of this process, but with engine.kind=server "
                "another model answers: set one of them otherwise"
            )
        return self

    def deciding(self) -> "GistConfig":
        """Itself with everything at its default that changes no answer of the same model."""
        changed = {"tuning": GistTuningConfig(), "encoder": self.encoder}
        return self.deciding_tuning().model_copy(update=changed)

    def deciding_tuning(self) -> "GistConfig":
        """Itself with everything at its default that changes no tuning."""
        default = GistConfig()
        # What belongs to the other style is of no account.
        other = _OF_SENTENCES if self.style == "keywords" else _OF_KEYWORDS
        changed = {
            "engine": self.engine.deciding(),
            "batch_size": default.batch_size,
            "encoder": default.encoder,
            **{name: getattr(default, name) for name in other},
        }
        return self.model_copy(update=changed)
