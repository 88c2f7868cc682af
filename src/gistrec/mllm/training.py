"""The loop that trains a backbone: warm-up and decay, checkpoints by the minute, exact resume."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gistrec.errors import RunError
from gistrec.files import written_aside
from gistrec.progress import say, track

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Course:
    """How long and how fast to learn.

    Attributes:
        epochs: rounds, each of as many steps as there are batches.
        learning_rate: the peak, after the warm-up share of all steps; then half a cosine to zero.
        autocast: bfloat16 arithmetic in the forward pass; weights and optimiser stay float32.
        checkpoint_seconds: how often a running epoch is saved.
    """

    epochs: int
    learning_rate: float
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    autocast: bool = False
    checkpoint_seconds: float = 30.0


@dataclass
class _State:
    """Where a training stands."""

    epoch: int = 0
    step: int = 0  # within the epoch
    seconds: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What a training came to."""

    epochs: int
    best_epoch: int
    best: float | None
    seconds: float


@dataclass(frozen=True)
class Lessons(Generic[Batch]):
    """What is learned: the batches of an epoch, the loss of a batch, the judge of an epoch.

    ``batches`` must give the same for the same epoch, so that a resumed training sees the same.
    ``judge`` (higher is better) decides which epoch's weights are kept; None keeps the last.
    """

    name: str
    batches: Callable[[int], Sequence[Batch]]
    loss: Callable[[Batch], torch.Tensor]
    judge: Callable[[], float] | None = None


def train(
    model: nn.Module, lessons: Lessons[Batch], course: Course, checkpoint: Path | None, key: str
) -> Trained:
    """Train ``model`` in place; leaves the best epoch's weights in it, in evaluation mode.

    Args:
        model: only parameters that require gradients are trained and saved.
        lessons: what is learned.
        course: how.
        checkpoint: where the state is saved; if it exists, training goes on from it and ends with
            the weights of an uninterrupted one.
        key: stands for everything that decides the result; a checkpoint of another is refused.

    Raises:
        RunError: the checkpoint is of another training, or the loss is not finite.
    """
    parameters = [value for value in model.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters,
        lr=course.learning_rate,
        weight_decay=course.weight_decay,
        betas=(0.9, 0.98),
        fused=True,
    )
    state = _resume(model, optimiser, checkpoint, key)
    total = course.epochs * max(1, len(lessons.batches(0))) if course.epochs else 1
    saved = time.monotonic()
    while state.epoch < course.epochs:
        model.train()
        batches = lessons.batches(state.epoch)
        name = f"{lessons.name} epoch {state.epoch + 1}/{course.epochs}"
        losses = []
        for batch in track(batches[state.step :], name):
            started = time.monotonic()
            done = state.epoch * len(batches) + state.step
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(course, done, total)
            losses.append(_step(model, parameters, optimiser, lessons, batch, course))
            state.step += 1
            state.seconds += time.monotonic() - started
            if checkpoint and time.monotonic() - saved > course.checkpoint_seconds:
                _save(checkpoint, key, state, model, optimiser)
                saved = time.monotonic()
        state.epoch, state.step = state.epoch + 1, 0
        _judge(model, lessons, state)
        mean = f"loss {sum(losses) / len(losses):.3f}" if losses else "no batch left"
        best = f", best {state.best:.4f} in epoch {state.best_epoch}" if state.best else ""
        say(f"{lessons.name} epoch {state.epoch}: {mean}{best}, {state.seconds:.0f} s")
        if checkpoint:
            _save(checkpoint, key, state, model, optimiser)
            saved = time.monotonic()
    if state.best_weights:
        model.load_state_dict(state.best_weights, strict=False)
    model.eval()
    return Trained(state.epoch, state.best_epoch, state.best, round(state.seconds, 2))


def learning_rate(course: Course, step: int, total: int) -> float:
    """A linear rise over the warm-up steps, then half a cosine down to nothing."""
    rising = max(1, round(course.warmup * total))
    if step < rising:
        return course.learning_rate * (step + 1) / rising
    part = (step - rising) / max(1, total - rising)
    return course.learning_rate * 0.5 * (1.0 + math.cos(math.pi * part))


def _step(
    model: nn.Module,
    parameters: list[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    lessons: Lessons[Batch],
    batch: Batch,
    course: Course,
) -> float:
    device = parameters[0].device
    with _attention(device), torch.autocast(device.type, torch.bfloat16, enabled=course.autocast):
        loss = lessons.loss(batch)
    value = loss.item()
    if not math.isfinite(value):
        raise RunError(
            f"the loss of {lessons.name} is no longer finite; lower its learning_rate "
            f"(it is {course.learning_rate})"
        )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(parameters, course.clip_norm)
    optimiser.step()
    return value


def _attention(device: torch.device) -> AbstractContextManager[None]:
    """On the CPU the plain kernel: the fused one is faster forward but slower backward."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def _judge(model: nn.Module, lessons: Lessons[Batch], state: _State) -> None:
    if lessons.judge is None:
        state.best_epoch = state.epoch
        return
    model.eval()
    score = lessons.judge()
    if state.best is None or score > state.best:
        state.best, state.best_epoch = score, state.epoch
        state.best_weights = _trained_weights(model)


def _trained_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().cpu().clone()
        for name, value in model.named_parameters()
        if value.requires_grad
    }


def _save(
    checkpoint: Path, key: str, state: _State, model: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    content = {
        "key": key,
        "state": vars(state),
        "model": _trained_weights(model),
        "optimiser": optimiser.state_dict(),
    }
    with written_aside(checkpoint) as aside:
        torch.save(content, aside)


def _resume(
    model: nn.Module, optimiser: torch.optim.Optimizer, checkpoint: Path | None, key: str
) -> _State:
    if checkpoint is None or not checkpoint.exists():
        return _State()
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if content["key"] != key:
        raise RunError(f"{checkpoint} belongs to another training; delete it to start anew")
    model.load_state_dict(content["model"], strict=False)
    optimiser.load_state_dict(content["optimiser"])
    return _State(**content["state"])
