"""How users' tastes are told, and by whom."""

from typing import Literal

from pydantic import Field

from gistrec.config.base import StageConfig
from gistrec.config.engine import EngineConfig


class TasteConfig(StageConfig):
    """The taste stage (MLLM-MSR, recurrent preference summaries).

    Attributes:
        kind: `none`: prompts tell no taste; `recurrent`: block by block of the history, each answer
            from the block and the answer before; `direct`: the whole history in one prompt.
        block: items of a block.
        words: that a taste may take.
        told_by: what items are told by: what the gist stage made of them, or their `title`.
        max_item_tokens: a longer line of an item is shortened.
        max_new_tokens: where an answer is cut.
        batch_size: questions answered at once, by the local engine.
        temperature: 0 takes the likeliest token at every step; the published code draws at 0.6.
        engine: who answers.
        seed: of the draws, where there are any.
    """

    kind: Literal["none", "recurrent", "direct"] = "none"
    block: int = Field(default=3, ge=1)
    words: int = Field(default=20, ge=1)
    told_by: Literal["gist", "title"] = "gist"
    max_item_tokens: int = Field(default=48, ge=4)
    max_new_tokens: int = Field(default=80, ge=1)
    batch_size: int = Field(default=128, ge=1)
    temperature: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    engine: EngineConfig = EngineConfig()
    seed: int = 0

    def deciding(self) -> "TasteConfig":
        """Itself with everything at its default that changes no answer of the same model."""
        default = TasteConfig()
        if self.kind == "none":
            return default
        changed = {"engine": self.engine.deciding(), "batch_size": default.batch_size}
        if self.kind == "direct":
            changed["block"] = default.block
        if not self.temperature:
            changed["seed"] = default.seed
        return self.model_copy(update=changed)
