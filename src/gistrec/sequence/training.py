"""The one loop that trains every sequence model."""

import math
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gistrec.config.sequence import SequenceConfig
from gistrec.counted import counted
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError, RunError
from gistrec.progress import say, track
from gistrec.sequence.batches import right_padded, shuffled_batches, windows
from gistrec.sequence.checkpoint import (
    Progress,
    load_checkpoint,
    save_checkpoint,
    training_fingerprint,
)
from gistrec.sequence.losses import full_softmax, sampled_softmax
from gistrec.sequence.model import SequenceModel, TrainingReport, arithmetic, build_network
from gistrec.sequence.network import SequenceNetwork
from gistrec.sequence.validation import validation_ndcg, validation_sample

_ORDER_STREAM = 301
_UNKNOWN_STREAM = 302
_FLOOR = 0.1  # the learning rate decays to this share of its peak


def train_sequence_model(
    config: SequenceConfig,
    train: Sequences,
    valid: Queries | None,
    n_items: int,
    checkpoint: Path | None = None,
) -> SequenceModel:
    """Train a model until its validation NDCG@10 stops rising, and keep the best epoch's weights.

    Args:
        config: architecture and training.
        train: the training log, item codes below ``n_items``.
        valid: judged by their sampled candidates; None trains for all of ``config.epochs``.
        n_items: size of the catalogue; items absent from ``train`` stay unknown to the model.
        checkpoint: written after each epoch; where it exists, training goes on from it and ends
            with the very weights of an uninterrupted training (on the same machine and threads).

    Raises:
        DataError: the log is empty.
        RunError: the checkpoint is unreadable or belongs to another training, or the weights
            diverged.
    """
    known = np.bincount(train.items, minlength=n_items) > 0
    if not known.any():
        raise DataError("the training log holds no interaction: nothing to learn from")
    with torch.random.fork_rng():
        return _Training(config, train, valid, known, checkpoint).run()


class _Training:
    """One training: what stays the same from epoch to epoch."""

    def __init__(
        self,
        config: SequenceConfig,
        train: Sequences,
        valid: Queries | None,
        known: npt.NDArray[np.bool_],
        checkpoint: Path | None,
    ) -> None:
        self.config = config
        self.windows = windows(train, config.max_length + 1)
        self.valid = None if valid is None else validation_sample(valid, config)
        self.known = known
        self.checkpoint = checkpoint
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.known_codes = torch.from_numpy(np.flatnonzero(known)).to(self.device)
        torch.manual_seed(config.seed)
        self.network = build_network(config, len(known)).to(self.device)
        self.optimiser = _optimiser(self.network, config)
        self.fingerprint = training_fingerprint(config, train, valid, len(known))

    def run(self) -> SequenceModel:
        """All epochs, then the model."""
        progress = self._resumed()
        while not self._finished(progress):
            started = time.monotonic()
            self._epoch(progress)
            progress.epochs += 1
            self._judge(progress)
            progress.seconds += time.monotonic() - started
            if self.checkpoint is not None:
                save_checkpoint(
                    self.checkpoint, self.fingerprint, progress, self.network, self.optimiser
                )
        say(_summary(self.config, progress))
        return self._model(progress)

    def _resumed(self) -> Progress:
        if self.checkpoint is None or not self.checkpoint.exists():
            return Progress()
        return load_checkpoint(self.checkpoint, self.fingerprint, self.network, self.optimiser)

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
        self.network.train()
        batches = shuffled_batches(self.windows.lengths, self.config.batch_size, rng)
        step = epoch * len(batches)
        total = self.config.epochs * len(batches)
        for offset, rows in enumerate(track(batches, self._label(progress))):
            rate = _learning_rate(self.config, step + offset, total)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            items, _ = right_padded(self.windows.take(rows))
            self._step(items.to(self.device))
        # One gradient that is no number makes all weights so, and such scores lose to no other.
        if not torch.isfinite(self.network.table.weight).all():
            raise RunError(
                f"{self.config.architecture}: training diverged in epoch {epoch + 1}; "
                f"lower learning_rate (now {self.config.learning_rate:g})"
            )

    def _step(self, items: Tensor) -> None:
        with arithmetic(self.config, self.device):
            states, targets = self.network.training_states(items)
            loss = self._loss(states, targets)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimiser.step()

    def _loss(self, states: Tensor, targets: Tensor) -> Tensor:
        negatives, table = self.config.negatives, self.network.table.weight
        if negatives is None or len(self.known_codes) <= 2 * negatives:
            return full_softmax(states, targets, table, self.known_codes)
        return sampled_softmax(states, targets, table, self.known_codes, negatives)

    def _judge(self, progress: Progress) -> None:
        if self.valid is None:
            progress.best_epoch = progress.epochs
            return
        # The network as it stands, through the same door as any ranker.
        ndcg = validation_ndcg(self._model_now(progress), self.valid)
        if progress.best_ndcg is None or ndcg > progress.best_ndcg:
            progress.best_ndcg, progress.best_epoch = ndcg, progress.epochs
            weights = self.network.state_dict()
            progress.best_weights = {name: value.cpu().clone() for name, value in weights.items()}

    def _label(self, progress: Progress) -> str:
        best = "" if progress.best_ndcg is None else f" (NDCG@10 {progress.best_ndcg:.4f})"
        return f"{self.config.architecture} epoch {progress.epochs + 1}/{self.config.epochs}{best}"

    def _model_now(self, progress: Progress) -> SequenceModel:
        report = TrainingReport(
            progress.epochs, progress.best_epoch, progress.best_ndcg, round(progress.seconds, 2)
        )
        return SequenceModel(self.network, self.config, self.known, report)

    def _model(self, progress: Progress) -> SequenceModel:
        if progress.best_weights:
            self.network.load_state_dict(progress.best_weights)
        _embed_unknown(self.network, self.known, self.config.seed)
        return self._model_now(progress)


def _summary(config: SequenceConfig, progress: Progress) -> str:
    judged = ""
    if progress.best_ndcg is not None:
        judged = f", best NDCG@10 {progress.best_ndcg:.4f} in epoch {progress.best_epoch}"
    took = f"{counted(progress.epochs, 'epoch')} in {progress.seconds:.0f} s"
    return f"{config.architecture}: trained {took}{judged}"


def _optimiser(network: SequenceNetwork, config: SequenceConfig) -> torch.optim.AdamW:
    """AdamW, with a decay of its own for the item embeddings."""
    table = network.table.weight
    rest = [value for value in network.parameters() if value is not table]
    groups = [
        {"params": rest, "weight_decay": config.weight_decay},
        {"params": [table], "weight_decay": config.embedding_decay},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def _learning_rate(config: SequenceConfig, step: int, total: int) -> float:
    """A linear rise over the warm-up steps, then half a cosine down to a tenth."""
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = _FLOOR + (1.0 - _FLOOR) * 0.5 * (1.0 + math.cos(math.pi * step / total))
    return config.learning_rate * rise * fall


@torch.no_grad()
def _embed_unknown(network: SequenceNetwork, known: npt.NDArray[np.bool_], seed: int) -> None:
    """Give items without training data embeddings drawn like the known ones (see SequenceModel)."""
    unknown = np.flatnonzero(~known)
    if not len(unknown):
        return
    table = network.table.weight
    trained = table[: len(known)].cpu().double().numpy()[known]
    centre = trained.mean(axis=0)
    covariance = (trained - centre).T @ (trained - centre) / len(trained)
    values, vectors = np.linalg.eigh(covariance)
    rng = np.random.default_rng([seed, _UNKNOWN_STREAM])
    draws = rng.standard_normal((len(unknown), table.shape[1]))
    spread = draws * np.sqrt(values.clip(0.0)) @ vectors.T
    table[torch.from_numpy(unknown)] = torch.from_numpy(centre + spread).to(table)
