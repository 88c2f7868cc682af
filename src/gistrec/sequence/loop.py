"""The one loop that trains every model of item sequences: batches, schedule, early stopping."""

import math
import time
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from gistrec.config.sequence_training import SequenceTrainingConfig
from gistrec.counted import counted
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.progress import say, track
from gistrec.sequence.batches import shuffled_batches
from gistrec.sequence.checkpoint import Progress, load_checkpoint, save_checkpoint
from gistrec.sequence.report import TrainingReport
from gistrec.sequence.validation import validation_ndcg, validation_sample

_ORDER_STREAM = 301
_FLOOR = 0.1  # the learning rate decays to this share of its peak


class Pupil(Protocol):
    """What the loop trains."""

    @property
    def name(self) -> str:
        """How people know it."""
        ...

    @property
    def network(self) -> nn.Module:
        """Whose weights are learned and kept."""
        ...

    @property
    def embeddings(self) -> Tensor:
        """The parameter that holds the items' embeddings, with a decay of its own."""
        ...

    def loss(self, windows: Sequences) -> Tensor:
        """A scalar with a gradient, of one batch of windows of the training log."""
        ...

    def ranker(self, report: TrainingReport) -> Ranker:
        """The network as it stands, as a ranker."""
        ...


class Loop:
    """One training: what stays the same from epoch to epoch.

    Args:
        pupil: what is trained.
        config: how.
        windows: of the training log.
        valid: judged by their sampled candidates; None trains for all of ``config.epochs``.
        checkpoint: written after each epoch, and where training goes on from; None for neither.
        fingerprint: stands for all that the training depends on.
    """

    def __init__(
        self,
        pupil: Pupil,
        config: SequenceTrainingConfig,
        windows: Sequences,
        valid: Queries | None,
        checkpoint: Path | None,
        fingerprint: str,
    ) -> None:
        self.pupil = pupil
        self.config = config
        self.windows = windows
        self.valid = None if valid is None else validation_sample(valid, config)
        self.checkpoint = checkpoint
        self.fingerprint = fingerprint
        self.optimiser = _optimiser(pupil, config)

    def run(self) -> TrainingReport:
        """All epochs; the pupil is left with the weights of the best one.

        Raises:
            RunError: the checkpoint is unreadable or another training's, or the weights diverged.
        """
        progress = self._resumed()
        while not self._finished(progress):
            started = time.monotonic()
            self._epoch(progress)
            progress.epochs += 1
            self._judge(progress)
            progress.seconds += time.monotonic() - started
            if self.checkpoint is not None:
                save_checkpoint(
                    self.checkpoint, self.fingerprint, progress, self.pupil.network, self.optimiser
                )
        say(_summary(self.pupil.name, progress))
        if progress.best_weights:
            self.pupil.network.load_state_dict(progress.best_weights)
        return _report(progress)

    def _resumed(self) -> Progress:
        if self.checkpoint is None or not self.checkpoint.exists():
            return Progress()
        network = self.pupil.network
        return load_checkpoint(self.checkpoint, self.fingerprint, network, self.optimiser)

    def _finished(self, progress: Progress) -> bool:
        waited = progress.epochs - progress.best_epoch
        return progress.epochs >= self.config.epochs or (
            self.valid is not None and waited >= self.config.patience
        )

    def _epoch(self, progress: Progress) -> None:
        """One pass over the log."""
        epoch = progress.epochs
        # An epoch's draws depend on the seed and its number alone, so that resuming is exact.
        rng = np.random.default_rng([self.config.seed, _ORDER_STREAM, epoch])
        torch.manual_seed(int(rng.integers(2**62)))
        self.pupil.network.train()
        batches = shuffled_batches(self.windows.lengths, self.config.batch_size, rng)
        step = epoch * len(batches)
        total = self.config.epochs * len(batches)
        for offset, rows in enumerate(track(batches, self._label(progress))):
            rate = _learning_rate(self.config, step + offset, total)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            self._step(self.windows.take(rows))
        # One gradient that is no number makes all weights so, and such scores lose to no other.
        if not torch.isfinite(self.pupil.embeddings).all():
            raise RunError(
                f"{self.pupil.name}: training diverged in epoch {epoch + 1}; "
                f"lower learning_rate (now {self.config.learning_rate:g})"
            )

    def _step(self, windows: Sequences) -> None:
        loss = self.pupil.loss(windows)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.pupil.network.parameters(), self.config.clip_norm)
        self.optimiser.step()

    def _judge(self, progress: Progress) -> None:
        if self.valid is None:
            progress.best_epoch = progress.epochs
            return
        # The network as it stands, through the same door as any ranker.
        ndcg = validation_ndcg(self.pupil.ranker(_report(progress)), self.valid)
        progress.by_epoch.append(ndcg)
        if progress.best_ndcg is None or ndcg > progress.best_ndcg:
            progress.best_ndcg, progress.best_epoch = ndcg, progress.epochs
            weights = self.pupil.network.state_dict()
            progress.best_weights = {name: value.cpu().clone() for name, value in weights.items()}

    def _label(self, progress: Progress) -> str:
        best = "" if progress.best_ndcg is None else f" (NDCG@10 {progress.best_ndcg:.4f})"
        return f"{self.pupil.name} epoch {progress.epochs + 1}/{self.config.epochs}{best}"


def _report(progress: Progress) -> TrainingReport:
    return TrainingReport(
        progress.epochs,
        progress.best_epoch,
        progress.best_ndcg,
        round(progress.seconds, 2),
        list(progress.by_epoch),
    )


def _summary(name: str, progress: Progress) -> str:
    judged = ""
    if progress.best_ndcg is not None:
        judged = f", best NDCG@10 {progress.best_ndcg:.4f} in epoch {progress.best_epoch}"
    took = f"{counted(progress.epochs, 'epoch')} in {progress.seconds:.0f} s"
    return f"{name}: trained {took}{judged}"


def _optimiser(pupil: Pupil, config: SequenceTrainingConfig) -> torch.optim.AdamW:
    """AdamW, with a decay of its own for the item embeddings."""
    embeddings = pupil.embeddings
    rest = [value for value in pupil.network.parameters() if value is not embeddings]
    groups = [
        {"params": rest, "weight_decay": config.weight_decay},
        {"params": [embeddings], "weight_decay": config.embedding_decay},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def _learning_rate(config: SequenceTrainingConfig, step: int, total: int) -> float:
    """A linear rise over the warm-up steps, then half a cosine down to a tenth."""
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = _FLOOR + (1.0 - _FLOOR) * 0.5 * (1.0 + math.cos(math.pi * step / total))
    return config.learning_rate * rise * fall
