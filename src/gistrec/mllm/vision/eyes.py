"""What decides an image's features, in one key: weights, configuration, preprocessing, versions."""

import hashlib
import json
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import torch

from gistrec.mllm.backbone import Backbone

# Raise it where the families prepare or look at images in another way.
VISION_VERSION = 1
# Of a configuration: what is not about images, or changes with how and whence a model was loaded.
_IRRELEVANT = {
    "_name_or_path",
    "architectures",
    "dtype",
    "quantization_config",
    "text_config",
    "transformers_version",
}


def eyes_key(backbone: Backbone) -> str:
    """64 hex digits; equal ones mean that every image gets the same features.

    Over the eyes' weights (names, dtypes, shapes, bytes), what the model's configuration says of
    images, the image processor's configuration, the family, and the versions of transformers and
    of this code.
    """
    family = backbone.family
    said = {
        "version": VISION_VERSION,
        "transformers": metadata.version("transformers"),
        "family": type(family).__name__,
        "config": _relevant(backbone.model.config.to_dict()),
        "processor": family.image_processor.to_dict(),
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode())
    for name, weight in _weights(backbone):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        flat = weight.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _relevant(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    return {name: _relevant(value) for name, value in config.items() if name not in _IRRELEVANT}


def _weights(backbone: Backbone) -> Iterator[tuple[str, torch.Tensor]]:
    for number, module in enumerate(backbone.eyes):
        for name, weight in sorted(module.state_dict().items()):
            if isinstance(weight, torch.Tensor) and weight.numel():
                yield f"{number}.{name}", weight
