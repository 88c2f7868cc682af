"""The loop that trains a backbone: transformers' Trainer, given ready batches.

Departures from the Trainer's ways:
1. Checkpoints come by the clock, hold only what is trained, and appear whole or not at all.
2. Each step seeds the random numbers anew, from the course's seed, the process and the step, so a
   resumed training draws the same dropout without any generator's state on disk.
"""

import math
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from accelerate.utils import broadcast_object_list
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, IterableDataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME, TRAINER_STATE_NAME

from gistrec.errors import RunError
from gistrec.mllm.checkpoints import (
    Checkpoints,
    Standing,
    Weights,
    checkpoint_weights,
    put_weights,
    trained_weights,
)
from gistrec.mllm.shares import Share, shares_of
from gistrec.mllm.training import Batch, Course, Lessons, Trained, learning_rate
from gistrec.progress import say, track

T = TypeVar("T")

_SEED_STREAM = 7105


def learn(
    model: nn.Module,
    lessons: Lessons[Batch],
    course: Course,
    first: Sequence[Batch],
    checkpoint: Path | None,
    key: str,
) -> Trained:
    """Train as ``training.train`` says; ``first`` are the first epoch's batches."""
    learner = Learner(model, lessons, course, first, checkpoint, key)
    found = learner.resume_point()
    try:
        if found is not None and learner.out_of_patience:
            put_weights(model, checkpoint_weights(found))
        else:
            learner.train(resume_from_checkpoint=None if found is None else str(found))
    finally:
        learner.rounds.close()
    learner.accelerator.wait_for_everyone()
    put_weights(model, learner.best_weights)
    model.eval()
    standing = learner.standing
    best_epoch, seconds = standing.best_epoch or standing.epochs, round(standing.seconds, 2)
    return Trained(standing.epochs, best_epoch, standing.best, seconds, standing.judged)


class Objective(nn.Module, Generic[Batch]):
    """A batch's loss as a module's forward, so that a wrapper around it meets the gradients."""

    def __init__(self, model: nn.Module, lessons: Lessons[Batch]) -> None:
        super().__init__()
        self.model = model
        self.lessons = lessons

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss, a scalar."""
        return self.lessons.loss(batch)


class Learner(Trainer, Generic[Batch]):  # type: ignore[misc]
    """The Trainer of one training.

    Attributes:
        standing: what the training has come to.
        best_weights: of the best epoch; empty where nothing was judged.
        rounds: the epochs' batches.
    """

    def __init__(
        self,
        model: nn.Module,
        lessons: Lessons[Batch],
        course: Course,
        first: Sequence[Batch],
        checkpoint: Path | None,
        key: str,
    ) -> None:
        self.lessons, self.course = lessons, course
        self.standing = Standing()
        self.best_weights: Weights = {}
        self.watch = _Watch(self)
        arguments = _arguments(course, model, checkpoint)
        super().__init__(Objective(model, lessons), arguments, callbacks=[self.watch])
        self.remove_callback(PrinterCallback)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            raise RunError("training does not shard weights: launch it without FSDP and DeepSpeed")
        self.rounds = _Rounds(self, first)
        processes = self.args.world_size
        self.checkpoints = Checkpoints(checkpoint, key, processes) if checkpoint else None

    def resume_point(self) -> Path | None:
        """The checkpoint to go on from, whose standing is taken over; None to begin."""
        if self.checkpoints is None:
            return None
        first = self.is_world_process_zero()
        # The first process finds it for all: only that one knows when it has written its last.
        found = _from_first(self.checkpoints.latest() if first else None)
        if found is not None:
            self.standing, self.best_weights = self.checkpoints.load(found)
        elif first:
            self.checkpoints.clear()
        return found

    @property
    def out_of_patience(self) -> bool:
        """Whether the latest epochs were no better than the best before them for too long."""
        patience, standing = self.course.patience, self.standing
        if patience is None or self.lessons.judge is None:
            return False
        return standing.epochs - standing.best_epoch >= patience

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Ready batches, as they are: each process picks its own."""
        return DataLoader(self.rounds, batch_size=None, collate_fn=_as_inputs)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over all that is trained."""
        self.optimizer = torch.optim.AdamW(
            [value for value in self.model.parameters() if value.requires_grad],
            lr=self.course.learning_rate,
            weight_decay=self.course.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        """The rate that ``training.learning_rate`` says."""

        def part(step: int) -> float:
            return learning_rate(self.course, step, num_training_steps) / self.course.learning_rate

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, part)
        return self.lr_scheduler

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Share[Batch]], *_: object, **__: object
    ) -> torch.Tensor:
        """The loss of a share."""
        share = inputs["share"]
        loss: torch.Tensor = model(share.batch)
        self.watch.note(loss)
        return loss if share.weight == 1 else loss * share.weight

    def _save_checkpoint(self, model: nn.Module, trial: object = None) -> None:
        if self.checkpoints is None or not self.is_world_process_zero():
            return

        def more(folder: Path) -> None:
            self._save_optimizer_and_scheduler(str(folder))
            self._save_scaler(str(folder))
            self.state.save_to_json(str(folder / TRAINER_STATE_NAME))

        weights = trained_weights(self.model.model)
        step = self.state.global_step
        self.checkpoints.save(step, self.standing, weights, self.best_weights, more)

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        put_weights(self.model.model, checkpoint_weights(Path(resume_from_checkpoint)))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        # To the CPU first: the Trainer's own way fails in some versions with several processes.
        for name, part in ((OPTIMIZER_NAME, self.optimizer), (SCHEDULER_NAME, self.lr_scheduler)):
            saved = torch.load(Path(checkpoint) / name, map_location="cpu", weights_only=True)
            part.load_state_dict(saved)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing to load: every step seeds its own."""


class _Rounds(IterableDataset[Share[Any] | None]):
    """What one process takes of the epoch that its learner is in."""

    def __init__(self, learner: Learner[Any], first: Sequence[Any]) -> None:
        self._learner = learner
        self._first: Sequence[Any] | None = first
        self._batches = len(first)
        self._shown: Generator[Share[Any], None, None] | None = None

    def __len__(self) -> int:
        return -(-self._batches // self._learner.args.world_size)

    @property
    def steps(self) -> int:
        """Steps of the optimiser in an epoch."""
        return -(-len(self) // self._learner.course.accumulation)

    def __iter__(self) -> Iterator[Share[Any] | None]:
        learner = self._learner
        args, accumulation = learner.args, learner.course.accumulation
        epoch, step = divmod(learner.state.global_step, self.steps)
        shares = shares_of(self._epoch(epoch), args.process_index, args.world_size, accumulation)
        self._shown = self._show(shares[step * accumulation :], epoch)
        yield from [None] * (step * accumulation)  # the Trainer drops as many as were done before
        yield from self._shown

    def close(self) -> None:
        """End the epoch's progress bar."""
        if self._shown is not None:
            self._shown.close()

    def _epoch(self, epoch: int) -> Sequence[Any]:
        given, self._first = self._first, None
        batches = given if given and epoch == 0 else self._learner.lessons.batches(epoch)
        if len(batches) != self._batches:
            raise ValueError(f"epoch {epoch} has {len(batches)} batches, not {self._batches}")
        return batches

    def _show(self, shares: Sequence[Share[Any]], epoch: int) -> Generator[Share[Any], None, None]:
        name = f"{self._learner.lessons.name} epoch {epoch + 1}/{self._learner.course.epochs}"
        yield from track(shares, name) if self._learner.is_world_process_zero() else shares


class _Watch(TrainerCallback):  # type: ignore[misc]
    """What gistrec does between the Trainer's steps: seeds, looks at losses, judges, saves."""

    def __init__(self, learner: Learner[Any]) -> None:
        self._learner = learner
        self._pending: list[torch.Tensor] = []  # losses of the step under way
        self._losses: list[float] = []  # of the epoch
        self._started = 0.0
        self._saved = time.monotonic()

    def note(self, loss: torch.Tensor) -> None:
        """Keep a loss until the step is made."""
        self._pending.append(loss.detach())

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Seed the step."""
        self._started = time.monotonic()
        seed = [self._learner.course.seed, _SEED_STREAM, args.process_index, state.global_step]
        torch.manual_seed(int(np.random.default_rng(seed).integers(2**63)))

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Refuse to make a step of a loss that is not finite."""
        losses = torch.stack(self._pending).tolist()  # the step's one wait for the device
        self._pending.clear()
        if not all(map(math.isfinite, losses)):
            raise RunError(
                f"the loss of {self._learner.lessons.name} is no longer finite; lower its "
                f"learning_rate (it is {self._learner.course.learning_rate})"
            )
        self._losses += losses

    def on_step_end(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Save now and then, but not at an epoch's end: that is to be judged first."""
        learner = self._learner
        spent = time.monotonic() - self._started
        learner.standing = replace(learner.standing, seconds=learner.standing.seconds + spent)
        due = time.monotonic() - self._saved > learner.course.checkpoint_seconds
        if due and state.global_step % learner.rounds.steps:
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Judge, keep the best, say how it went, save."""
        learner = self._learner
        learner.rounds.close()
        epoch = state.global_step // learner.rounds.steps
        self._judge(epoch)
        learner.standing = replace(learner.standing, epochs=epoch)
        if learner.out_of_patience:
            control.should_training_stop = True
        if state.is_world_process_zero:
            standing = learner.standing
            best = ""
            if standing.best is not None:
                best = f", best {standing.best:.4f} in epoch {standing.best_epoch}"
            mean = sum(self._losses) / len(self._losses)
            say(
                f"{learner.lessons.name} epoch {epoch}: loss {mean:.3f}{best}, "
                f"{standing.seconds:.0f} s"
            )
        self._losses.clear()
        control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Start the clock anew."""
        self._saved = time.monotonic()

    def _judge(self, epoch: int) -> None:
        learner = self._learner
        if learner.lessons.judge is None:
            return
        model = learner.model.model
        model.eval()
        # Every process judges, none waits; rounding may differ, so the first one's word counts.
        score = _from_first(learner.lessons.judge())
        missing = math.isnan(score)
        judged = [*learner.standing.judged, None if missing else score]
        learner.standing = replace(learner.standing, judged=judged)
        better = learner.standing.best is None or score > learner.standing.best
        if better and not missing:
            learner.standing = replace(learner.standing, best=score, best_epoch=epoch)
            learner.best_weights = trained_weights(model)


def _arguments(course: Course, model: nn.Module, checkpoint: Path | None) -> TrainingArguments:
    device = next(model.parameters()).device
    if course.precision == "fp16" and device.type != "cuda":
        raise RunError(f"precision fp16 needs a CUDA device, not {device.type}: set it to bf16")
    arguments = TrainingArguments(
        # Nothing is written there without a checkpoint's folder, but the Trainer wants one.
        output_dir=str(checkpoint or tempfile.gettempdir()),
        num_train_epochs=course.epochs,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=course.accumulation,
        max_grad_norm=course.clip_norm,
        bf16=course.precision == "bf16",
        fp16=course.precision == "fp16",
        use_cpu=device.type == "cpu",
        seed=course.seed,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,  # it would wait for the device at every batch
        report_to="none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # else several GPUs in one process would be made to copy the model
    return arguments


def _from_first(value: T) -> T:
    """The first process's value, in all of them."""
    shared: list[T] = broadcast_object_list([value])
    return shared[0]


def _as_inputs(share: Any) -> dict[str, Any]:
    return {"share": share}
