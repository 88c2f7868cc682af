"""Molar's user encoder: the next item over given item vectors, aligned with an ID model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gistrec.baselines.molar.losses import both_ways, next_item_nce
from gistrec.baselines.molar.model import NAME, MolarModel
from gistrec.baselines.molar.network import Molar
from gistrec.config.molar import MolarConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import PAD, Sequences
from gistrec.sequence.batches import right_padded, windows
from gistrec.sequence.checkpoint import training_fingerprint
from gistrec.sequence.loop import Loop
from gistrec.sequence.model import SequenceModel
from gistrec.sequence.report import TrainingReport
from gistrec.sequence.training import known_items

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MolarContent:
    """What Molar's users are made of beside the log.

    Attributes:
        vectors: float32 [n_items, v], of every item.
        id_model: whose states users are aligned with; None for no alignment.
    """

    vectors: Floats
    id_model: SequenceModel | None = None


def train_molar(
    config: MolarConfig,
    train: Sequences,
    valid: Queries | None,
    content: MolarContent,
    checkpoint: Path | None = None,
) -> MolarModel:
    """Train the user encoder until its validation NDCG@10 stops rising; keep the best epoch's.

    Args:
        config: sizes, losses and training.
        train: the training log, item codes below the number of ``content.vectors``.
        valid: judged by their sampled candidates; None trains for all of ``config.epochs``.
        content: items' vectors and the ID model.
        checkpoint: as ``train_sequence_model`` has it.

    Raises:
        DataError: the log is empty.
        RunError: the checkpoint is unreadable or another training's, or the weights diverged.
    """
    n_items = len(content.vectors)
    known = known_items(train, n_items)
    further: list[npt.NDArray[np.generic]] = [content.vectors]
    if content.id_model is not None:
        further.append(content.id_model.item_embeddings)
    fingerprint = training_fingerprint(config, train, valid, n_items, further)
    with torch.random.fork_rng():
        pupil = MolarPupil(config, known, content)
        pieces = windows(train, config.max_length)
        report = Loop(pupil, config, pieces, valid, checkpoint, fingerprint).run()
        return pupil.ranker(report)


class MolarPupil:
    """The network and its two losses, as the training loop asks for them.

    Args:
        config: sizes, weights of the losses, the seed.
        known: bool [n_items], the items of the training log.
        content: items' vectors and the ID model.
    """

    name = NAME

    def __init__(
        self, config: MolarConfig, known: npt.NDArray[np.bool_], content: MolarContent
    ) -> None:
        self.config = config
        self.known = known
        self.id_model = content.id_model if config.alignment else None
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.known_codes = torch.from_numpy(np.flatnonzero(known)).to(self.device)
        torch.manual_seed(config.seed)
        id_width = 0 if self.id_model is None else self.id_model.network.width
        vectors = torch.from_numpy(content.vectors)
        self.network = Molar(config, vectors, id_width).to(self.device)

    @property
    def embeddings(self) -> Tensor:
        """The projection of items' vectors."""
        return self.network.users.project.weight

    def ranker(self, report: TrainingReport) -> MolarModel:
        """The network as it stands."""
        return MolarModel(self.network, self.config, self.known, report)

    def loss(self, windows: Sequences) -> Tensor:
        """Both losses of a batch of windows, weighed and summed."""
        users, config = self.network.users, self.config
        items = right_padded(windows)[0].to(self.device)
        table = self.network.catalogue()
        states = users.states(items, table)
        asked = items != PAD
        loss = next_item_nce(
            states[:, :-1][asked],
            table[items[asked]],
            table[self._negatives()],
            users.scale,
            config.near_duplicate,
        )
        if self.id_model is None:
            return loss
        return loss + config.alignment * self._alignment(windows, states, self.id_model)

    def _negatives(self) -> Tensor:
        known, negatives = self.known_codes, self.config.negatives
        if negatives is None or len(known) <= negatives:
            return known
        return known[torch.randint(len(known), (negatives,), device=self.device)]

    def _alignment(self, windows: Sequences, states: Tensor, id_model: SequenceModel) -> Tensor:
        """Between the users of a batch, each at one moment of it at which something is known."""
        drawn = torch.rand(len(windows)).numpy()
        moments = 1 + np.floor(drawn * windows.lengths).astype(np.int64)
        if self.network.from_ids is None or len(windows) < 2:
            return states.new_zeros(())
        rows = np.arange(len(windows))
        told = id_model.encode(windows.prefixes(rows, moments))
        ids = self.network.from_ids(torch.from_numpy(told).to(self.device))
        users = states[torch.from_numpy(rows), torch.from_numpy(moments)]
        _, owner = np.unique(windows.users.to_numpy(), return_inverse=True)
        owners = torch.from_numpy(owner).to(self.device)
        same = owners[:, None] == owners[None, :]
        return both_ways(users, ids, same, self.config.alignment_temperature)
