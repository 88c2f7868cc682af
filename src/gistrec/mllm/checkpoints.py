"""A training's folder of checkpoints: one whole state, and the best epoch's weights.

``step-<n>`` is the state after n steps; it appears there whole, by one rename, and the one before
it goes afterwards. ``best-<epoch>.safetensors`` lies beside it, so that it is written only once.
"""

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside

Weights = dict[str, torch.Tensor]
More = Callable[[Path], None]
_STANDING, _WEIGHTS, _SAVING = "standing.json", "weights.safetensors", ".saving"


@dataclass(frozen=True)
class Standing:
    """What a training has come to, beside its weights.

    Attributes:
        seconds: spent in steps.
        best: the best epoch's judgement; None without a judge.
        best_epoch: the first is 1; 0 before any was judged.
        epochs: how many are finished.
        judged: what each epoch was worth; empty without a judge, None where that was no number.
    """

    seconds: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    epochs: int = 0
    judged: list[float | None] = field(default_factory=list)


def trained_weights(model: nn.Module) -> Weights:
    """Copies of all parameters that require gradients, on the CPU, by name; a tied one once."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous()
        for name, value in model.named_parameters()
        if value.requires_grad
    }


def put_weights(model: nn.Module, weights: Weights) -> None:
    """Copy weights into the parameters of the same names, in place."""
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in weights.items():
            parameters[name].copy_(value)


class Checkpoints:
    """The folder of one training.

    Args:
        folder: made with the first checkpoint.
        key: of the training.
        processes: that share it.
    """

    def __init__(self, folder: Path, key: str, processes: int) -> None:
        self._folder = folder
        self._owner = {"key": key, "processes": processes}

    def latest(self) -> Path | None:
        """The newest checkpoint's folder, or None.

        Raises:
            RunError: it is of another training, or damaged.
        """
        if self._folder.is_file():
            raise self._refused("belongs to another version of gistrec")
        found = self._steps()
        if not found:
            return None
        newest = max(found, key=_step_of)
        content = self._read(newest)
        if content["key"] != self._owner["key"]:
            raise self._refused("belongs to another training")
        if content["processes"] != self._owner["processes"]:
            raise self._refused(
                f"was saved by {content['processes']} processes, not by "
                f"{self._owner['processes']}; start as many"
            )
        return newest

    def load(self, newest: Path) -> tuple[Standing, Weights]:
        """What ``save`` was given: the standing, and the best epoch's weights (empty if none)."""
        standing = Standing(**self._read(newest)["standing"])
        best = self._best_file(standing.best_epoch)
        return standing, load_file(best) if standing.best is not None else {}

    def save(
        self, step: int, standing: Standing, weights: Weights, best: Weights, more: More
    ) -> None:
        """Write a checkpoint, whole or not at all.

        Args:
            step: steps done.
            standing: what came of them.
            weights: the current ones.
            best: the best epoch's; empty where nothing was judged.
            more: writes what else belongs to it into the folder it is given.
        """
        target, aside = self._folder / f"step-{step}", self._folder / _SAVING
        file = self._best_file(standing.best_epoch)
        if best and not file.exists():
            with written_aside(file) as half:
                save_file(best, half)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        save_file(weights, aside / _WEIGHTS)
        write_json(aside / _STANDING, {**self._owner, "standing": asdict(standing)})
        more(aside)
        for path in aside.iterdir():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        aside.rename(target)
        self.clear(kept=(target, file))

    def clear(self, kept: Collection[Path] = ()) -> None:
        """Delete every state and best weights but ``kept``, and what a killed process has left."""
        for path in [*self._steps(), *self._folder.glob(_SAVING)]:
            if path not in kept:
                shutil.rmtree(path)
        for path in self._folder.glob("*best-*.safetensors*"):
            if path not in kept:
                path.unlink()

    def _steps(self) -> list[Path]:
        return list(self._folder.glob("step-*"))

    def _best_file(self, epoch: int) -> Path:
        return self._folder / f"best-{epoch}.safetensors"

    def _read(self, newest: Path) -> dict[str, Any]:
        try:
            content: dict[str, Any] = read_json(newest / _STANDING)
        except (OSError, JSONDecodeError, UnicodeDecodeError) as error:
            raise self._refused("cannot be read") from error
        return content

    def _refused(self, reason: str) -> RunError:
        return RunError(f"{self._folder} {reason}; delete it to start anew")


def checkpoint_weights(checkpoint: Path) -> Weights:
    """The weights of a checkpoint's folder."""
    return load_file(checkpoint / _WEIGHTS)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))
