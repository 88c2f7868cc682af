"""The backbones that are measured: real sizes with random weights, or one that is named."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForImageTextToText

from gistrec.bench import qwen, smolvlm
from gistrec.bench.memory import free_mib
from gistrec.bench.tokenizer import invented_texts
from gistrec.errors import BackboneError
from gistrec.mllm.attention import fastest_kernel, use_kernel
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.processor import SplitProcessor

EMBEDDED = "embedded"
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SEED = 0


@dataclass(frozen=True)
class ModelOptions:
    """How a backbone is run.

    Attributes:
        dtype: of the weights; `auto` is bfloat16 on CUDA (a named one's own), else float32.
        device: `auto` is CUDA where there is one, else the CPU.
        attention: the kernel of gistrec's own ways; `auto` is sdpa, on CUDA the faster of sdpa and
            flex.
    """

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    attention: Literal["auto", "sdpa", "eager", "flex"] = "auto"


@dataclass(frozen=True)
class _Sizes:
    """A published model's sizes."""

    processor: Callable[[], SplitProcessor]
    config: Callable[[Any], Any]


_PUBLISHED = {
    "smolvlm-256m": _Sizes(smolvlm.processor, smolvlm.config),
    "qwen2.5-vl-7b": _Sizes(qwen.processor, qwen.config),
}
NAMES = (EMBEDDED, *_PUBLISHED)


def bench_backbone(name: str, options: ModelOptions) -> Backbone:
    """Make the backbone of random weights that ``name`` stands for, or load the one it names.

    Args:
        name: one of ``NAMES``, a folder written by save_pretrained, or a hub id.
        options: dtype, device, attention.

    Raises:
        BackboneError: no such backbone or device, or too little memory; says what to do.
    """
    device = _device(options.device)
    if name in NAMES:
        automatic = torch.bfloat16 if device.type == "cuda" else torch.float32
        dtype = _DTYPES.get(options.dtype, automatic)
        if name == EMBEDDED:
            backbone = _embedded(device, dtype)
        else:
            backbone = random_backbone(name, device, dtype)
        kernel = options.attention
        if kernel == "auto":
            kernel = fastest_kernel(backbone) if device.type == "cuda" else "sdpa"
        use_kernel(backbone, kernel)
        return backbone
    if "/" not in name and not Path(name).is_dir():
        raise BackboneError(
            f"there is no backbone {name!r} to measure: name one of {', '.join(NAMES)}, a folder "
            "made by save_pretrained, or a hub id such as HuggingFaceTB/SmolVLM-256M-Instruct"
        )
    # Only a named one needs what loading needs.
    from gistrec.config.backbone import BackboneConfig
    from gistrec.mllm.loading import load_backbone

    config = BackboneConfig(dtype=options.dtype, device=options.device, attention=options.attention)
    return load_backbone(name, config)


def random_backbone(name: str, device: torch.device, dtype: torch.dtype) -> Backbone:
    """A published model's sizes with random weights, made on the device itself.

    Raises:
        BackboneError: the device has too little memory.
    """
    sizes = _PUBLISHED[name]
    processor = sizes.processor()
    config = sizes.config(processor.tokenizer)
    if device.type != "meta":
        _check_room(name, config, device, dtype)
    torch.manual_seed(_SEED)
    with device:
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return make_backbone(model.eval(), processor)


def _embedded(device: torch.device, dtype: torch.dtype) -> Backbone:
    # The stage's configuration is imported where it is needed: the others do without it.
    from gistrec.config.backbone import EmbeddedConfig
    from gistrec.mllm.embedded import make_model, make_processor, train_tokenizer

    config = EmbeddedConfig()
    tokenizer = train_tokenizer(invented_texts(), config.vocabulary)
    model = make_model(tokenizer, config).to(device, dtype).eval()
    return make_backbone(model, make_processor(tokenizer, config))


def _check_room(name: str, config: Any, device: torch.device, dtype: torch.dtype) -> None:
    with torch.device("meta"):
        empty = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    needed = sum(value.numel() for value in empty.parameters()) * dtype.itemsize / 2**20
    free = free_mib(device)
    if needed > free:
        raise BackboneError(
            f"{name} takes {needed / 1024:.1f} GiB in {str(dtype).removeprefix('torch.')}, and "
            f"{device} has {free / 1024:.1f} GiB free: measure a smaller one, or use a larger "
            "device"
        )


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BackboneError("this machine (or this build of PyTorch) has no cuda; use device cpu")
    return torch.device(wanted)
