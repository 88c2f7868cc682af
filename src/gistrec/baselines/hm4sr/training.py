"""HM4SR's training: the four losses, in the loop of the other sequence models."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gistrec.baselines.contrast import alike, in_batch_contrast
from gistrec.baselines.hm4sr.batch import Batch
from gistrec.baselines.hm4sr.clock import Clock, tells_times
from gistrec.baselines.hm4sr.hiding import share_of
from gistrec.baselines.hm4sr.model import NAME, Hm4srModel
from gistrec.baselines.hm4sr.network import Hm4sr, Mixed
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import PAD, Sequences
from gistrec.progress import say
from gistrec.sequence.batches import windows
from gistrec.sequence.checkpoint import training_fingerprint
from gistrec.sequence.loop import Loop
from gistrec.sequence.losses import full_softmax, sampled_softmax
from gistrec.sequence.report import TrainingReport
from gistrec.sequence.training import known_items


def train_hm4sr(
    config: Hm4srConfig,
    train: Sequences,
    valid: Queries | None,
    vectors: ItemVectors,
    checkpoint: Path | None = None,
) -> Hm4srModel:
    """Train HM4SR until its validation NDCG@10 stops rising, and keep the best epoch's weights.

    Args:
        config: sizes, parts and training.
        train: the training log, item codes below the number of ``vectors``.
        valid: judged by their sampled candidates; None trains for all of ``config.epochs``.
        vectors: what is known of items.
        checkpoint: as ``train_sequence_model`` has it.

    Raises:
        DataError: the log is empty.
        RunError: the checkpoint is unreadable or another training's, or the weights diverged.
    """
    n_items = len(vectors.text)
    known = known_items(train, n_items)
    further: list[npt.NDArray[np.generic]] = [train.timestamps, vectors.text, vectors.image]
    further += (
        [vectors.categories] if valid is None else [vectors.categories, valid.histories.timestamps]
    )
    fingerprint = training_fingerprint(config, train, valid, n_items, further)
    with torch.random.fork_rng():
        pupil = Hm4srPupil(config, known, vectors, _clock(config, train))
        pieces = windows(train, config.max_length + 1)
        report = Loop(pupil, config, pieces, valid, checkpoint, fingerprint).run()
        pupil.network.embed_unknown(torch.from_numpy(known).to(pupil.device))
        return pupil.ranker(report)


def _clock(config: Hm4srConfig, train: Sequences) -> Clock | None:
    if config.temporal == "auto" and not tells_times(train):
        say(
            f"note: {NAME} runs without its temporal part: the timestamps are positions, no times; "
            f"baselines.{NAME}.temporal=true has it all the same"
        )
        return None
    return Clock.of(train) if config.temporal else None


class Hm4srPupil:
    """The network and its losses, as the training loop asks for them.

    Args:
        config: sizes, weights of the losses, the seed.
        known: bool [n_items], the items of the training log.
        vectors: what is known of items.
        clock: how times are read; None for no temporal part.
    """

    name = NAME

    def __init__(
        self,
        config: Hm4srConfig,
        known: npt.NDArray[np.bool_],
        vectors: ItemVectors,
        clock: Clock | None,
    ) -> None:
        self.config = config
        self.known = known
        self.vectors = vectors
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.known_codes = torch.from_numpy(np.flatnonzero(known)).to(self.device)
        self.categories = torch.from_numpy(vectors.categories).to(self.device)
        torch.manual_seed(config.seed)
        self.network = Hm4sr(config, vectors, clock).to(self.device)

    @property
    def embeddings(self) -> Tensor:
        """The id vectors."""
        return self.network.table.weight

    def ranker(self, report: TrainingReport) -> Hm4srModel:
        """The network as it stands."""
        return Hm4srModel(self.network, self.config, self.known, self.vectors, report)

    def loss(self, windows: Sequences) -> Tensor:
        """All losses of a batch of windows, weighed and summed."""
        network = self.network
        whole = Batch.of(windows, network.n_items, network.clock, self.device)
        batch, follow = whole.without_last(), whole.items[:, 1:]
        asked = follow != PAD
        catalogue = network.catalogue()
        mixed = network.mixed(batch, catalogue)
        states = network.states(mixed)
        loss = self._next_item(states[asked].flatten(1), follow[asked], catalogue.flatten(1))
        if network.categories is not None:
            loss = loss + self.config.category * self._category(follow[asked], catalogue)
        return loss + self._contrasts(batch, follow, mixed, states)

    def _next_item(self, states: Tensor, targets: Tensor, table: Tensor) -> Tensor:
        negatives = self.config.negatives
        if negatives is None or len(self.known_codes) <= 2 * negatives:
            return full_softmax(states, targets, table, self.known_codes)
        return sampled_softmax(states, targets, table, self.known_codes, negatives)

    def _category(self, items: Tensor, catalogue: Tensor) -> Tensor:
        """Of the items of the batch that have one."""
        told = self.categories[items]
        items = items[told.any(dim=1)]
        if self.network.categories is None or not len(items):
            return catalogue.new_zeros(())
        guessed = self.network.categories(catalogue[items].flatten(1))
        return binary_cross_entropy_with_logits(guessed, self.categories[items])

    def _contrasts(self, batch: Batch, follow: Tensor, mixed: Mixed, states: Tensor) -> Tensor:
        """Between places of the batch at which an item is known and another follows."""
        config = self.config
        rows, columns = ((follow != PAD) & batch.real).nonzero(as_tuple=True)
        if len(rows) > config.contrasted:
            drawn = torch.randperm(len(rows), device=rows.device)[: config.contrasted]
            rows, columns = rows[drawn], columns[drawn]
        loss = states.new_zeros(())
        if len(rows) < 2:
            return loss
        targets = follow[rows, columns]
        if config.id_contrast:
            found = self.network.table(targets)
            told = states[rows, columns, 0]
            same = alike(targets)
            contrast = in_batch_contrast(told, found, same, config.id_temperature)
            loss = loss + config.id_contrast * contrast
        if config.placeholder_contrast and mixed.time is not None:
            hidden = share_of(batch.real, config.placeholder_share)
            copied = self.network.copied_states(mixed, hidden)[rows, columns]
            same = alike(targets, rows)
            both = [
                in_batch_contrast(
                    states[rows, columns, 1 + m], copied[:, m], same, config.placeholder_temperature
                )
                for m in range(copied.shape[1])
            ]
            loss = loss + config.placeholder_contrast * torch.stack(both).mean()
        return loss
