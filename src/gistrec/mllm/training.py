"""Training a backbone: what is learned, how, and what it came to; see ``learner`` for the loop."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import nn

from gistrec.config.tuning import Precision

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Course:
    """How long and how fast to learn.

    Attributes:
        epochs: rounds, each over all batches.
        learning_rate: the peak, after the warm-up share of all steps; then half a cosine to zero.
        precision: arithmetic of the forward pass; weights and optimiser stay as they are. `fp16`
            needs CUDA.
        accumulation: batches whose mean gradient makes one step.
        checkpoint_seconds: how often a running epoch is saved.
        seed: of dropout.
        patience: epochs that the judge finds no better than the best before, after which the
            training ends; None for all epochs.
    """

    epochs: int
    learning_rate: float
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    precision: Precision = "none"
    accumulation: int = 1
    checkpoint_seconds: float = 30.0
    seed: int = 0
    patience: int | None = None


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        epochs: how many were run.
        best_epoch: whose weights were kept; the first is 1, 0 where none was run.
        best: its judgement; None without a judge.
        seconds: spent in steps.
        judged: each epoch's judgement; empty without a judge, None where one was no number.
    """

    epochs: int
    best_epoch: int
    best: float | None
    seconds: float
    judged: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class Lessons(Generic[Batch]):
    """What is learned: the batches of an epoch, the loss of a batch, the judge of an epoch.

    ``batches`` must give the same for the same epoch, so that a resumed training sees the same, and
    equally many in every epoch. ``judge`` (higher is better) decides which epoch's weights are
    kept; None keeps the last.
    """

    name: str
    batches: Callable[[int], Sequence[Batch]]
    loss: Callable[[Batch], torch.Tensor]
    judge: Callable[[], float] | None = None


def train(
    model: nn.Module, lessons: Lessons[Batch], course: Course, checkpoint: Path | None, key: str
) -> Trained:
    """Train ``model`` in place; leaves the best epoch's weights in it, in evaluation mode.

    Started by ``accelerate launch`` (or ``torchrun``) in several processes, these share out the
    batches, and each of them ends with the same weights; only the first one writes.

    Args:
        model: only parameters that require gradients are trained and saved.
        lessons: what is learned.
        course: how.
        checkpoint: the folder where the state is saved; if it holds one, training goes on from it
            and ends with the weights of an uninterrupted one.
        key: stands for everything that decides the result; a checkpoint of another is refused.

    Raises:
        RunError: the checkpoint is of another training, the loss is not finite, or the device
            cannot do the precision.
        ValueError: epochs differ in how many batches they have.
    """
    first = lessons.batches(0) if course.epochs else []
    if not first:
        model.eval()
        best = lessons.judge() if lessons.judge else None
        return Trained(0, 0, best, 0.0)
    # transformers' Trainer takes a second to import, which only those who train should wait for.
    from gistrec.mllm.learner import learn

    return learn(model, lessons, course, first, checkpoint, key)


def learning_rate(course: Course, step: int, total: int) -> float:
    """A linear rise over the warm-up steps, then half a cosine down to nothing."""
    rising = max(1, round(course.warmup * total))
    if step < rising:
        return course.learning_rate * (step + 1) / rising
    part = (step - rising) / max(1, total - rising)
    return course.learning_rate * 0.5 * (1.0 + math.cos(math.pi * part))


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The arithmetic of a course's forward pass, for what is to be judged in the same."""
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype, enabled=precision != "none")
