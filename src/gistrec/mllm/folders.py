"""Whether a model or an adapter is named by a folder, and what such a folder must hold."""

from pathlib import Path

ADAPTER_FILE = "adapter_config.json"
MODEL_FILE = "config.json"


def means_folder(source: str) -> bool:
    """Whether ``source`` can only be a folder, there or not: no hub id looks like that."""
    return source.startswith(("/", ".", "~")) or "\\" in source


def no_model(source: str) -> str:
    """Why ``source`` is no model's folder; empty where it is one, or a hub id."""
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return f"there is no folder {folder}" if means_folder(source) else ""
    if any((folder / name).is_file() for name in (MODEL_FILE, ADAPTER_FILE)):
        return ""
    return f"the folder {folder} holds no {MODEL_FILE}, so no model"


def no_adapter(source: str) -> str:
    """Why ``source`` is no adapter's folder; empty where it is one, or a hub id."""
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return f"there is no folder {folder}" if means_folder(source) else ""
    if (folder / ADAPTER_FILE).is_file():
        return ""
    return f"the folder {folder} holds no {ADAPTER_FILE}, so no LoRA adapter"
