"""A file of image features: digests, grids and tokens of some images; whole, or not there."""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from gistrec.files import written_aside
from gistrec.mllm.families.family import Grid

_FORMAT = "gistrec image features 1"
_TOLD = "gistrec"
_DIGEST = hashlib.sha256().digest_size


class DamagedShardError(Exception):
    """A shard that cannot be used; says why."""


@dataclass(frozen=True, eq=False)
class Shard:
    """What one file holds.

    Attributes:
        path: the file.
        digests: of the images, in the order of their tokens.
        grids: int64 [m, 2], rows and columns of each image's tokens.
        tokens: [all tokens, k, d], mapped from the file.
        checksum: CRC-32 of the tokens' bytes, as it was written.
    """

    path: Path
    digests: tuple[bytes, ...]
    grids: npt.NDArray[np.int64]
    tokens: torch.Tensor
    checksum: int

    @property
    def is_sound(self) -> bool:
        """Whether the tokens are those that were written; reads them all."""
        return _checksum(self.tokens) == self.checksum


def write_shard(
    folder: Path,
    eyes: str,
    digests: Sequence[bytes],
    grids: Sequence[Grid],
    features: Sequence[torch.Tensor],
) -> Path:
    """Write images to a new file, atomically; its name stands for which images they are.

    Args:
        folder: where to.
        eyes: key of the eyes that looked.
        digests: of the encoded images.
        grids: rows and columns of each image's tokens.
        features: of each image, [k, rows x columns, d].
    """
    joined = b"".join(digests)
    tokens = torch.cat([one.transpose(0, 1) for one in features]).contiguous()
    held = {
        "digests": torch.frombuffer(bytearray(joined), dtype=torch.uint8).view(-1, _DIGEST),
        "grids": torch.tensor(grids, dtype=torch.int64),
        "tokens": tokens,
    }
    told = {
        "format": _FORMAT,
        "eyes": eyes,
        "index": _checksum(held["digests"], held["grids"]),
        "tokens": _checksum(tokens),
    }
    path = folder / f"{hashlib.sha256(joined).hexdigest()[:32]}.safetensors"
    with written_aside(path) as aside:
        # One entry: several would stand in another order each time.
        save_file(held, aside, metadata={_TOLD: json.dumps(told)})
    return path


def read_shard(path: Path, eyes: str) -> Shard:
    """Open a file; its tokens stay on disk until they are asked for.

    Raises:
        DamagedShardError: it is not whole, or not what these eyes saw.
    """
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {}).get(_TOLD, "{}"))
            if told.get("format") != _FORMAT or told.get("eyes") != eyes:
                raise DamagedShardError("it holds something else")
            digests, grids, tokens = map(file.get_tensor, ("digests", "grids", "tokens"))
        sound = _checksum(digests, grids) == told["index"]
        checksum = int(told["tokens"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DamagedShardError(f"it is not whole: {error}") from error
    if not sound or len(tokens) != int(grids.prod(1).sum()):
        raise DamagedShardError("its index is not what was written")
    rows = digests.numpy()
    return Shard(path, tuple(row.tobytes() for row in rows), grids.numpy(), tokens, checksum)


def _checksum(*tensors: torch.Tensor) -> int:
    value = 0
    for tensor in tensors:
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return value
