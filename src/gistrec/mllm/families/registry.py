"""The families that gistrec knows, by the model type that a configuration names."""

from typing import Any

from transformers import PreTrainedModel

from gistrec.errors import BackboneError
from gistrec.mllm.families.family import Family
from gistrec.mllm.families.gemma3 import Gemma3
from gistrec.mllm.families.idefics3 import Idefics3
from gistrec.mllm.families.internvl import InternVL
from gistrec.mllm.families.llava import Llava, LlavaNext
from gistrec.mllm.families.qwen_vl import QwenVL

FAMILIES: dict[str, type[Family]] = {
    "idefics3": Idefics3,
    "smolvlm": Idefics3,
    "llava": Llava,
    "llava_next": LlavaNext,
    "qwen2_vl": QwenVL,
    "qwen2_5_vl": QwenVL,
    "qwen3_vl": QwenVL,
    "gemma3": Gemma3,
    "internvl": InternVL,
}


def check_family(model_type: str) -> None:
    """Refuse a model that gistrec cannot use.

    Raises:
        BackboneError: an unknown family; says which are known.
    """
    if model_type not in FAMILIES:
        raise BackboneError(
            f"backbone family {model_type!r} is not supported; it must read images and text. "
            f"Supported: {', '.join(FAMILIES)}"
        )


def family_of(
    model: PreTrainedModel, tokenizer: Any, image_processor: Any, max_tokens: int | None = None
) -> Family:
    """The family of a loaded model.

    Raises:
        BackboneError: an unknown family, or images that always take more than ``max_tokens``.
    """
    check_family(model.config.model_type)
    family = FAMILIES[model.config.model_type]
    return family(model, tokenizer, image_processor, max_tokens)
