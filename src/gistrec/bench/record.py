"""What a benchmark found: one record a question and a way that gistrec's is held against."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from gistrec.mllm.backbone import Backbone

_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class About:
    """What all records of one backbone share.

    Attributes:
        backbone: as it was named.
        parameters: of the whole model.
        device: the card's name, or the CPU's with its threads.
        dtype: of the weights.
        attention: the kernel of gistrec's own way.
        torch, transformers: versions.
    """

    backbone: str
    parameters: int
    device: str
    dtype: str
    attention: str
    torch: str
    transformers: str

    @classmethod
    def of(cls, name: str, backbone: Backbone) -> "About":
        """Of a backbone that is to be measured."""
        return cls(
            backbone=name,
            parameters=sum(value.numel() for value in backbone.model.parameters()),
            device=device_name(backbone.device),
            dtype=str(backbone.model.dtype).removeprefix("torch."),
            attention=kernel_of(backbone),
            torch=torch.__version__,
            transformers=transformers.__version__,
        )


@dataclass(frozen=True)
class Record:
    """One answer.

    Attributes:
        question: what was asked.
        against: the other way's name.
        ours_seconds, their_seconds: of the same work, the least disturbed run of each.
        ratio: theirs over ours.
        conditions: under which this holds.
    """

    question: str
    against: str
    ours_seconds: float
    their_seconds: float
    ratio: float
    conditions: About


def as_json(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Records as JSON holds them."""
    return [_rounded(asdict(record)) for record in records]


def device_name(device: torch.device) -> str:
    """The card's name, or the CPU's with its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu()}, {torch.get_num_threads()} threads"


def kernel_of(backbone: Backbone) -> str:
    """The attention kernel that the language model uses now, as gistrec names it."""
    return str(backbone.language.config._attn_implementation).removesuffix("_attention")


def _cpu() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _rounded(value: Any) -> Any:
    """Five significant digits are more than any clock gives."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
