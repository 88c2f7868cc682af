"""How items become gists."""

from pydantic import Field

from gistrec.config.base import StageConfig
from gistrec.config.engine import EngineConfig


class GistConfig(StageConfig):
    """The gist stage.

    Attributes:
        image_keywords, text_keywords: at most so many are kept of each modality.
        max_new_tokens: where an answer is cut.
        max_text_tokens: a longer text is shortened at its end before it is asked about.
        batch_size: questions answered at once, by the local engine.
        engine: who answers.
    """

    image_keywords: int = Field(default=6, ge=0)
    text_keywords: int = Field(default=6, ge=0)
    max_new_tokens: int = Field(default=32, ge=1)
    max_text_tokens: int = Field(default=160, ge=8)
    batch_size: int = Field(default=128, ge=1)
    engine: EngineConfig = EngineConfig()

    def deciding(self) -> "GistConfig":
        """Itself with everything at its default that changes no answer."""
        batch_size = GistConfig().batch_size
        return self.model_copy(update={"engine": self.engine.deciding(), "batch_size": batch_size})
