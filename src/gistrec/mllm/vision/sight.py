"""A catalogue's images, all looked at: their features, and which images they were."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gistrec.files import written_aside
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.vision.looking import NONE

_MIB = 2**20


@dataclass(frozen=True, eq=False)
class Sight:
    """What came of looking.

    Attributes:
        eyes: key of the eyes that looked.
        digests: SHA-256 of each item's encoded image; NONE without one that can be used.
        features: of each item's image.
        cached: how many items' images had been seen before.
    """

    eyes: str
    digests: list[bytes]
    features: ImageFeatures
    cached: int

    @property
    def images(self) -> int:
        """How many items have an image."""
        return self.features.count

    @property
    def share(self) -> float:
        """Of the images, those that had been seen before; 1 without images."""
        return self.cached / self.images if self.images else 1.0

    @property
    def mib(self) -> float:
        """Size of the features, each image counted once."""
        return self.features.nbytes / _MIB

    def __str__(self) -> str:
        if not self.images:
            return "none"
        return (
            f"{self.images:,}, {self.cached:,} from the cache ({self.share:.0%}), "
            f"{self.images - self.cached:,} new, {self.mib:.1f} MiB"
        )

    def save(self, file: Path) -> None:
        """Note which images these are, atomically; the features stay in the cache."""
        width = len(max(self.digests, key=len, default=NONE))
        rows = np.zeros((len(self.digests), width), dtype=np.uint8)
        there = np.array([digest != NONE for digest in self.digests], dtype=np.bool_)
        for row, digest in zip(rows, self.digests, strict=True):
            row[: len(digest)] = np.frombuffer(digest, dtype=np.uint8)
        held = {"digests": torch.from_numpy(rows), "there": torch.from_numpy(there)}
        with written_aside(file) as aside:
            save_file(held, aside, metadata={"eyes": self.eyes})


def noted_images(file: Path) -> tuple[str, list[bytes]]:
    """The eyes' key and the items' digests that a ``Sight`` has saved."""
    with safe_open(file, framework="pt") as held:
        eyes = str(held.metadata()["eyes"])
        rows, there = held.get_tensor("digests").numpy(), held.get_tensor("there").tolist()
    return eyes, [row.tobytes() if has else NONE for row, has in zip(rows, there, strict=True)]
