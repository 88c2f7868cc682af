"""A backbone's processor: the library's own, or tokenizer and image processor side by side.

Some families' processors also load a video processor, which needs torchvision. Where that is
absent, gistrec takes their tokenizer and their image processor for PIL, which is all it uses.
"""

import contextlib
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import transformers
from transformers import AutoConfig, AutoProcessor, AutoTokenizer

# Older releases hide it where torchvision is absent, though its PIL classes need none.
from transformers.models.auto.image_processing_auto import (
    IMAGE_PROCESSOR_MAPPING_NAMES,
    AutoImageProcessor,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES
from transformers.utils import cached_file

from gistrec.files import read_json

Made = Literal["AutoProcessor", "tokenizer and image processor"]


class Processor(Protocol):
    """What gistrec uses of a processor."""

    tokenizer: Any
    image_processor: Any
    chat_template: str | None

    def save_pretrained(self, save_directory: Any) -> Any:
        """Write it where ``load_processor`` finds it."""


@dataclass
class SplitProcessor:
    """A tokenizer and an image processor, loaded apart."""

    tokenizer: Any
    image_processor: Any
    chat_template: str | None

    def save_pretrained(self, save_directory: Path) -> None:
        """Write both, and the chat template with the tokenizer."""
        self.image_processor.save_pretrained(save_directory)
        self.tokenizer.chat_template = self.chat_template
        self.tokenizer.save_pretrained(save_directory)


def load_processor(name: str, revision: str | None = None) -> Processor:
    """The processor of a folder or hub id; raises what the loaders raise."""
    try:
        processor = AutoProcessor.from_pretrained(name, revision=revision)
    except (ImportError, ValueError):  # torchvision is missing, or the files do not say which class
        processor = None
    if all(getattr(processor, part, None) for part in ("tokenizer", "image_processor")):
        whole: Processor = processor
        return whole
    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
    return SplitProcessor(
        tokenizer,
        load_image_processor(name, revision),
        _written_template(name, revision) or tokenizer.chat_template,
    )


def load_image_processor(name: str, revision: str | None = None) -> Any:
    """The image processor of a folder or hub id that works on PIL images."""
    try:
        return AutoImageProcessor.from_pretrained(name, revision=revision, backend="pil")
    except (ImportError, ValueError):
        # Some releases have the class but do not offer it where torchvision is absent.
        model_type = AutoConfig.from_pretrained(name, revision=revision).model_type
        return _pil_class(model_type).from_pretrained(name, revision=revision)


def _pil_class(model_type: str) -> Any:
    """A family's image processor class for PIL, from the module that defines it."""
    wanted = IMAGE_PROCESSOR_MAPPING_NAMES[model_type]["pil"]
    sharing = [
        name for name, made in IMAGE_PROCESSOR_MAPPING_NAMES.items() if wanted in made.values()
    ]
    for name in dict.fromkeys((model_type, *sharing)):
        with contextlib.suppress(ImportError):
            module = f"transformers.models.{name}.image_processing_pil_{name}"
            if found := vars(importlib.import_module(module)).get(wanted):
                return found
    raise ImportError(f"this release of transformers has no {wanted}")


def how_made(processor: Processor) -> Made:
    """Which of the two this is."""
    split = isinstance(processor, SplitProcessor)
    return "tokenizer and image processor" if split else "AutoProcessor"


def made_here(model_type: str) -> Made:
    """How a family's processor is made on this machine; found out without loading a model."""
    whole = getattr(transformers, PROCESSOR_MAPPING_NAMES[model_type])
    videos = "video_processor" in inspect.signature(whole.__init__).parameters
    return "tokenizer and image processor" if videos and not _torchvision() else "AutoProcessor"


def _torchvision() -> bool:
    """Whether torchvision is there and can be imported beside this torch."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):  # built for another torch, it fails while it loads
        return False
    return True


def _written_template(name: str, revision: str | None) -> str | None:
    """The template of a processor's own file, in its newer or its older form."""
    for file in ("chat_template.jinja", "chat_template.json"):
        found = cached_file(
            name, file, revision=revision, _raise_exceptions_for_missing_entries=False
        )
        if found is not None:
            path = Path(found)
            if path.suffix == ".jinja":
                return path.read_text(encoding="utf-8")
            return str(read_json(path)["chat_template"])
    return None
