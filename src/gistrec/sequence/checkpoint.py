"""A training that was killed goes on from its last whole epoch."""

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gistrec.config.sequence_training import SequenceTrainingConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.files import fingerprint_of, written_aside


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        epochs: passes made.
        best_epoch: the pass with the best validation, 0 before the first.
        best_ndcg: what it reached; None without validation.
        best_weights: the network there; empty without validation, where the last pass is kept.
        seconds: wall clock so far.
        by_epoch: what each pass reached; empty without validation.
    """

    epochs: int = 0
    best_epoch: int = 0
    best_ndcg: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    by_epoch: list[float] = field(default_factory=list)


def training_fingerprint(
    config: SequenceTrainingConfig,
    train: Sequences,
    valid: Queries | None,
    n_items: int,
    further: Iterable[npt.NDArray[np.generic]] = (),
) -> str:
    """16 hex digits that stand for all that a training depends on; ``further``: arrays it reads."""
    arrays: list[npt.NDArray[np.generic]] = [train.offsets, train.items, *further]
    if valid is not None:
        arrays += [valid.histories.offsets, valid.histories.items, valid.candidates]
    digests = [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
    return fingerprint_of({"config": config.model_dump(), "data": digests, "n_items": n_items})


def save_checkpoint(
    target: Path,
    fingerprint: str,
    progress: Progress,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write all that the next epoch depends on, atomically."""
    content = {
        "fingerprint": fingerprint,
        "progress": vars(progress),
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with written_aside(target) as aside:
        torch.save(content, aside)


def load_checkpoint(
    source: Path, fingerprint: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> Progress:
    """Put a saved training's state into ``network`` and ``optimiser``, and say how far it was.

    Raises:
        RunError: the file is unreadable, or belongs to another configuration or training log.
    """
    try:
        content: dict[str, Any] = torch.load(source, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(f"{source}: not a readable checkpoint; delete it to train anew") from error
    if content.get("fingerprint") != fingerprint:
        raise RunError(
            f"{source}: this checkpoint belongs to another configuration or other data; "
            "delete it to train anew, or name another file"
        )
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    return Progress(**content["progress"])
