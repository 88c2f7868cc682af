"""Backbones from folders and from the hub, with advice where that cannot be."""

import importlib.util
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    BitsAndBytesConfig,
    PreTrainedModel,
)
from transformers.utils.logging import disable_progress_bar

from gistrec.config.backbone import BackboneConfig
from gistrec.errors import BackboneError
from gistrec.files import fingerprint_of, read_json
from gistrec.mllm.attention import fastest_kernel, use_kernel
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.families.registry import check_family
from gistrec.mllm.folders import ADAPTER_FILE, no_adapter, no_model
from gistrec.mllm.processor import load_processor

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load_backbone(
    source: str | Path, options: BackboneConfig | None = None, adapter: str | Path | None = None
) -> Backbone:
    """Load a backbone from a folder or by hub id.

    Args:
        source: a folder written by ``Backbone.save`` or by save_pretrained, or a hub id.
        options: device, dtype, attention, quantisation, revision; its ``model`` is not read.
        adapter: a LoRA adapter on top of it, folder or hub id; by default the options' own.

    Raises:
        BackboneError: nothing loadable there, or a model that gistrec cannot use; says what to do.
    """
    options = options or BackboneConfig()
    adapter = adapter or options.adapter
    name = located(str(source))
    if reason := no_model(name):
        raise _unloadable(name, reason)
    if adapter is None and (Path(name) / ADAPTER_FILE).is_file():
        base = _base_of(Path(name))
        if not base:
            raise _unloadable(name, "it is an adapter that does not name its base model")
        return load_backbone(base, options, adapter=name)
    device = best_device(options.device)
    try:
        check_family(AutoConfig.from_pretrained(name, revision=options.revision).model_type)
        processor = load_processor(name, options.revision)
        model = _load_model(name, options, device)
        if adapter is not None:
            if reason := no_adapter(str(adapter)):
                raise BackboneError(f"backbone.adapter {str(adapter)!r}: {reason}")
            adapter = located(str(adapter))
            model.load_adapter(adapter)
            _check_whole(model, adapter)
    except BackboneError:
        raise
    except Exception as error:  # loaders raise whatever their parsers raise
        raise _unloadable(name, _reason(error)) from error
    if options.quantize == "none":
        model = model.to(device)
    backbone = make_backbone(model.eval(), processor, options.max_image_tokens)
    kernel = options.attention
    if kernel == "auto":
        kernel = fastest_kernel(backbone) if device.type == "cuda" else "sdpa"
    use_kernel(backbone, kernel)
    return backbone


def describe(backbone: Backbone) -> str:
    """One line on what was loaded: family, size, dtype, device, attention."""
    count = sum(value.numel() for value in backbone.model.parameters())
    return (
        f"{backbone.model.config.model_type}, {count:,} parameters, "
        f"{str(backbone.model.dtype).removeprefix('torch.')} on {backbone.device}, "
        f"attention {backbone.language.config._attn_implementation}"
    )


def located(source: str) -> str:
    """A hub id as it is, a folder by its full path."""
    path = Path(source).expanduser()
    return str(path.resolve()) if source and path.is_dir() else source


def content_of(source: str, revision: str | None = None) -> str:
    """What changes when the model behind a name does: a folder's files, a hub id's commit.

    Raises:
        BackboneError: there is nothing to be found there.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        stats = [(str(file.relative_to(path)), file.stat()) for file in files]
        return fingerprint_of([[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats])
    try:
        config = AutoConfig.from_pretrained(source, revision=revision)
    except Exception as error:  # loaders raise whatever their parsers raise
        raise _unloadable(source, _reason(error)) from error
    return str(getattr(config, "_commit_hash", None) or revision or "")


def best_device(wanted: str = "auto") -> torch.device:
    """The device asked for, or the best there is.

    Raises:
        BackboneError: the device asked for is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[wanted]:
        raise BackboneError(
            f"backbone.device is {wanted!r}, which this machine (or this build of PyTorch) has "
            f"not; there is {', '.join(name for name, found in there.items() if found)}"
        )
    return torch.device(wanted)


def _load_model(name: str, options: BackboneConfig, device: torch.device) -> PreTrainedModel:
    dtype: Any = _DTYPES.get(options.dtype)
    if dtype is None:
        dtype = "auto" if device.type == "cuda" else torch.float32
    more: dict[str, object] = {}
    if options.quantize != "none":
        more["quantization_config"] = _quantization(options, device)
        more["device_map"] = {"": device}
    model, found = AutoModelForImageTextToText.from_pretrained(
        name, revision=options.revision, dtype=dtype, output_loading_info=True, **more
    )
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])
        raise _unloadable(name, f"{len(missing)} weights are missing, {missing[0]} for one")
    loaded: PreTrainedModel = model
    return loaded


def _quantization(options: BackboneConfig, device: torch.device) -> BitsAndBytesConfig:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BackboneError(
            f"backbone.quantize is {options.quantize!r}, which needs the package bitsandbytes: "
            "`pip install bitsandbytes`, or set backbone.quantize=none"
        )
    if device.type != "cuda":
        raise BackboneError(
            f"backbone.quantize is {options.quantize!r}, which needs a CUDA device; "
            "set backbone.quantize=none"
        )
    if options.quantize == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )


def _base_of(folder: Path) -> str | None:
    """The model that an adapter's folder names."""
    try:
        held = read_json(folder / ADAPTER_FILE)
    except ValueError as error:
        raise _unloadable(str(folder), f"its {ADAPTER_FILE} is damaged") from error
    return held.get("base_model_name_or_path") if isinstance(held, dict) else None


def _check_whole(model: PreTrainedModel, adapter: str) -> None:
    """Refuse an adapter that leaves some of its own weights to chance."""
    file = Path(adapter) / "adapter_model.safetensors"
    if not file.is_file():
        return
    with safe_open(file, framework="pt") as held:
        count = len(held.keys())
    wanted = len(model.get_adapter_state_dict())
    if count < wanted:
        raise BackboneError(
            f"the adapter {adapter!r} holds {count} weights where this model takes {wanted}: it "
            "was made for another model"
        )


def _reason(error: BaseException) -> str:
    """What a person can do about a loader's error, else its first line."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(one, GatedRepoError) for one in causes):
        return "it is gated: accept its terms on its page, then `hf auth login`"
    if any(isinstance(one, RevisionNotFoundError) for one in causes):
        return "it has no such revision; see its page for branches and tags"
    if any(isinstance(one, RepositoryNotFoundError) for one in causes):
        return "the hub has no such model, or it is private: check the id, or `hf auth login`"
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "connect" in first and "couldn't" in first:
        return "the hub cannot be reached and it is not in the cache: go online or name a folder"
    return first


def _unloadable(name: str, reason: str) -> BackboneError:
    return BackboneError(
        f"backbone {name!r} cannot be loaded: {reason.rstrip('.')}. "
        "Name a folder made by save_pretrained, a hub id (with network), or `embedded`."
    )


def _keep_to_downloads() -> None:
    """Of the libraries' bars leave those that a person waits for."""
    if not are_progress_bars_disabled():
        disable_progress_bar()  # transformers': its weights are read at once; the hub's go too
        enable_progress_bars()


_keep_to_downloads()
