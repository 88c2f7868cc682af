"""Tiny multimodal backbones with random weights, made on the spot and shared by many tests."""

import copy
import functools
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

if TYPE_CHECKING:
    from families.pair import Pair
    from gistrec.config.backbone import EmbeddedConfig
    from gistrec.mllm.backbone import Backbone

# A busy machine is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

WORDS = [
    "red",
    "blue",
    "green",
    "sofa",
    "lamp",
    "chair",
    "dotted",
    "plain",
    "item",
    "bought",
    "chose",
    "come",
    "next",
    "user",
]

# Named here, so that tests of other things need not import transformers.
FAMILIES = (
    "idefics3",
    "smolvlm",
    "llava",
    "llava_next",
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "gemma3",
    "internvl",
)


@pytest.fixture(scope="session")
def tiny_config() -> "EmbeddedConfig":
    """An embedded backbone's sizes, as small as they go."""
    from gistrec.config.backbone import EmbeddedConfig

    return EmbeddedConfig(
        width=32, layers=2, heads=4, vision_width=32, vision_layers=1, vocabulary=600
    )


@pytest.fixture(scope="session")
def tiny_backbone(tiny_config: "EmbeddedConfig") -> "Backbone":
    """A backbone with random weights; whoever trains it takes `fresh_backbone`."""
    import torch

    from gistrec.mllm.backbone import make_backbone
    from gistrec.mllm.embedded import make_model, make_processor, train_tokenizer

    torch.set_num_threads(1)
    texts = [" ".join(WORDS), "yes no", "Keywords of the image: red, sofa"] * 30
    tokenizer = train_tokenizer(texts, tiny_config.vocabulary)
    model = make_model(tokenizer, tiny_config).eval()
    return make_backbone(model, make_processor(tokenizer, tiny_config))


@pytest.fixture
def fresh_backbone(tiny_backbone: "Backbone") -> Callable[[], "Backbone"]:
    """Makes copies of `tiny_backbone` that may be trained, all with the same weights."""
    from gistrec.mllm.backbone import make_backbone

    return lambda: make_backbone(copy.deepcopy(tiny_backbone.model), tiny_backbone.processor)


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a tiny model of a family is saved, by the family's name; not to be changed."""

    @functools.cache
    def folder_of(name: str) -> Path:
        from families.registry import TINY

        folder = tmp_path_factory.mktemp("families") / name
        TINY[name].save(folder)
        return folder

    return folder_of


@pytest.fixture(scope="session", params=FAMILIES)
def pair(request: pytest.FixtureRequest, family_folder: Callable[[str], Path]) -> "Pair":
    """Each family in turn, as gistrec runs it and as it runs itself; not to be changed."""
    import torch

    from families.pair import Pair
    from families.registry import TINY

    torch.set_num_threads(1)
    return Pair.load(TINY[request.param], family_folder(request.param))


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    """Six encoded images of noise, of different shapes."""
    return [picture(seed, (40 + 9 * seed, 64)) for seed in range(6)]


def picture(seed: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """One PNG of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
