"""What of a backbone is trained: the whole language model, or low-rank adapters beside it (LoRA).

Vision tower and projector are never touched, so that image features can be computed once.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from gistrec.config.tuning import TuningConfig
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.embedded import is_embedded
from gistrec.mllm.folders import ADAPTER_FILE

if TYPE_CHECKING:
    from peft.tuners.tuners_utils import BaseTunerLayer

# Of attention and feed-forward, as all supported language models name them.
_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def prepare_tuning(
    backbone: Backbone, config: TuningConfig, seed: int = 0
) -> Literal["full", "lora"]:
    """Leave gradients on what is to be trained, and only there; says which kind it came to.

    Args:
        backbone: changed in place.
        config: what is asked for.
        seed: of new adapters' weights.

    Raises:
        ConfigError: the model cannot be tuned so; says what to set.
    """
    model, adapted = backbone.model, has_adapter(backbone)
    if config.kind == "lora" or (config.kind == "auto" and (adapted or not is_embedded(model))):
        if adapted:
            _train_adapter(backbone)
        else:
            add_lora(backbone, config, seed)
        return "lora"
    if adapted:
        raise ConfigError(
            "the backbone has a LoRA adapter, which only goes on with tuning.kind=lora; "
            "for tuning.kind=full leave backbone.adapter out"
        )
    if getattr(model, "quantization_method", None) is not None:
        raise ConfigError(
            "quantised weights cannot be trained: set tuning.kind=lora or backbone.quantize=none"
        )
    model.requires_grad_(True)
    for part in backbone.eyes:
        part.requires_grad_(False)
    _in_32_bits(model)
    return "full"


def add_lora(backbone: Backbone, config: TuningConfig, seed: int = 0) -> None:
    """Put a new adapter on the language model, and freeze all else.

    Until it is trained it changes nothing. ``Backbone.save`` then writes the adapter alone.

    Args:
        backbone: changed in place; its model stays the class it is.
        config: rank, alpha, dropout, targets.
        seed: of the adapter's weights.

    Raises:
        ConfigError: the language model has no layers of the target names.
    """
    from peft import LoraConfig  # takes a second to import

    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=_pattern(backbone, config),
    )
    devices = [backbone.device] if backbone.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        backbone.model.add_adapter(lora)
    _in_32_bits(backbone.model)


def has_adapter(backbone: Backbone) -> bool:
    """Whether the model has an adapter, switched on or off."""
    return bool(getattr(backbone.model, "_hf_peft_config_loaded", False))


def is_adapter(folder: Path) -> bool:
    """Whether ``Backbone.save`` wrote an adapter there, not a whole model."""
    return (folder / ADAPTER_FILE).is_file()


@contextmanager
def without_adapter(backbone: Backbone) -> Generator[None, None, None]:
    """The model as it was before tuning, for as long as the block lasts.

    Raises:
        ValueError: it has no adapter.
    """
    layers = _adapted(backbone)
    if not layers:
        raise ValueError("the backbone has no adapter to switch off")
    gradients = {value: value.requires_grad for value in backbone.model.parameters()}
    off = [layer for layer in layers if not layer.disable_adapters]
    for layer in off:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in off:
            layer.enable_adapters(True)
        for value, wanted in gradients.items():  # peft has switched those too
            value.requires_grad_(wanted)


def trainable_parameters(model: nn.Module) -> int:
    """How many numbers training would change."""
    return sum(value.numel() for value in model.parameters() if value.requires_grad)


def _train_adapter(backbone: Backbone) -> None:
    backbone.model.requires_grad_(False)
    for layer in _adapted(backbone):
        layer.set_adapter(layer.active_adapters)
    _in_32_bits(backbone.model)


def _in_32_bits(model: nn.Module) -> None:
    """What is trained, in float32: small steps would be lost in 16 bits."""
    for value in model.parameters():
        if value.requires_grad:
            value.data = value.data.float()


def _adapted(backbone: Backbone) -> "list[BaseTunerLayer]":
    if not has_adapter(backbone):
        return []
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in backbone.model.modules() if isinstance(module, BaseTunerLayer)]


def _pattern(backbone: Backbone, config: TuningConfig) -> str:
    """A regular expression for the target layers' full names; eyes have layers of like names."""
    language = backbone.language
    prefix = next(name for name, part in backbone.model.named_modules() if part is language)
    there = {
        name.rpartition(".")[2]
        for name, part in language.named_modules()
        if isinstance(part, nn.Linear)
    }
    wanted = config.targets or tuple(name for name in _TARGETS if name in there)
    absent = [name for name in wanted if name not in there]
    if absent or not wanted:
        raise ConfigError(
            f"the language model has no linear layers named {', '.join(absent or _TARGETS)}: "
            f"set tuning.targets to some of {', '.join(sorted(there))}"
        )
    return rf"{re.escape(prefix)}\.(?:.+\.)?(?:{'|'.join(map(re.escape, wanted))})"
