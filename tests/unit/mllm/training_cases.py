"""A small thing to learn, the sign of a number; as a script, one of several processes that do."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from gistrec.mllm.training import Course, Lessons, train

STEPS, EPOCHS = 5, 3
COURSE = Course(epochs=EPOCHS, learning_rate=0.05, checkpoint_seconds=0.0)


def model(dropout: float = 0.0) -> nn.Module:
    """One weight frozen, and one that some batches do not need."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1), nn.Linear(1, 1)
    )
    layers[0].bias.requires_grad_(False)
    return layers


def batches(epoch: int) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(100 + epoch)
    return [torch.randn(6, 4, generator=made) for _ in range(STEPS)]


def loss_of(learner: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    told = learner[:4](batch)
    if batch[0, 0] > 0:
        told = learner[4](told)
    return ((told[:, 0] - batch[:, 0].sign()) ** 2).mean()


def lessons(learner: nn.Module, stop_at: int | None = None) -> Lessons[torch.Tensor]:
    """Learn the sign of the first number; interrupted when the loss is asked for the nth time."""
    asked = 0

    def loss(batch: torch.Tensor) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked - 1 == stop_at:
            raise KeyboardInterrupt
        return loss_of(learner, batch)

    return Lessons("signs", batches, loss)


def judged(learner: nn.Module) -> Lessons[torch.Tensor]:
    """The same, each epoch judged by a weight, so that any may be the best."""
    told = lessons(learner)
    return Lessons(told.name, told.batches, told.loss, lambda: -float(learner[4].bias.item()))


def one_of_several(folder: Path) -> None:
    """Train as one process of several: judged; with dropout; the same, interrupted."""
    rank = int(os.environ["RANK"])
    plain, dropped, first, resumed = model(), model(0.3), model(0.3), model(0.3)
    train(plain, judged(plain), COURSE, folder / f"of-{rank}", "k")
    course = replace(COURSE, accumulation=2)
    train(dropped, lessons(dropped), course, None, "k")
    try:
        train(first, lessons(first, stop_at=STEPS), course, folder / "shared", "k")
    except KeyboardInterrupt:
        train(resumed, lessons(resumed), course, folder / "shared", "k")
    weights = [one.state_dict() for one in (plain, dropped, resumed)]
    torch.save(weights, folder / f"weights-{rank}.pt")


if __name__ == "__main__":
    one_of_several(Path(sys.argv[1]))
    # The group's threads must have ended before the interpreter does, or it aborts at times.
    torch.distributed.destroy_process_group()
