"""SASRec, GRU4Rec and BERT4Rec trained on a log of item ids."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gistrec.config.sequence import SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError
from gistrec.sequence.batches import right_padded, windows
from gistrec.sequence.checkpoint import training_fingerprint
from gistrec.sequence.loop import Loop
from gistrec.sequence.losses import full_softmax, sampled_softmax
from gistrec.sequence.model import SequenceModel, arithmetic, build_network
from gistrec.sequence.network import SequenceNetwork
from gistrec.sequence.report import TrainingReport

_UNKNOWN_STREAM = 302


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
    known = known_items(train, n_items)
    with torch.random.fork_rng():
        pupil = _Pupil(config, known)
        pieces = windows(train, config.max_length + 1)
        fingerprint = training_fingerprint(config, train, valid, n_items)
        report = Loop(pupil, config, pieces, valid, checkpoint, fingerprint).run()
        _embed_unknown(pupil.network, known, config.seed)
        return pupil.ranker(report)


def known_items(train: Sequences, n_items: int) -> npt.NDArray[np.bool_]:
    """Bool [n_items], the items that a training log holds.

    Raises:
        DataError: it holds none.
    """
    known = np.bincount(train.items, minlength=n_items) > 0
    if not known.any():
        raise DataError("the training log holds no interaction: nothing to learn from")
    return known


class _Pupil:
    """A network of item ids and its loss."""

    def __init__(self, config: SequenceConfig, known: npt.NDArray[np.bool_]) -> None:
        self.config = config
        self.known = known
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.known_codes = torch.from_numpy(np.flatnonzero(known)).to(self.device)
        torch.manual_seed(config.seed)
        self.network: SequenceNetwork = build_network(config, len(known)).to(self.device)

    @property
    def name(self) -> str:
        return self.config.architecture

    @property
    def embeddings(self) -> Tensor:
        return self.network.table.weight

    def loss(self, windows: Sequences) -> Tensor:
        items, _ = right_padded(windows)
        with arithmetic(self.config, self.device):
            states, targets = self.network.training_states(items.to(self.device))
            return self._loss(states, targets)

    def ranker(self, report: TrainingReport) -> SequenceModel:
        return SequenceModel(self.network, self.config, self.known, report)

    def _loss(self, states: Tensor, targets: Tensor) -> Tensor:
        negatives, table = self.config.negatives, self.network.table.weight
        if negatives is None or len(self.known_codes) <= 2 * negatives:
            return full_softmax(states, targets, table, self.known_codes)
        return sampled_softmax(states, targets, table, self.known_codes, negatives)


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
