"""Which weights of a backbone are trained, and in which arithmetic."""

from typing import Literal

from pydantic import Field

from gistrec.config.base import StageConfig

Precision = Literal["none", "bf16", "fp16"]


class TuningConfig(StageConfig):
    """What of the language model is trained; vision tower and projector never are.

    Attributes:
        kind: `full` trains every weight, `lora` low-rank adapters beside the frozen ones; `auto` is
            full for the embedded backbone and lora for any other.
        rank: of an adapter.
        alpha: an adapter counts alpha / rank times.
        dropout: of an adapter's input.
        targets: names of the linear layers that get one; None for the projections of attention and
            feed-forward.
    """

    kind: Literal["auto", "full", "lora"] = "auto"
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
