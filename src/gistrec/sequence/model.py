"""A trained sequence model: encodes histories, scores items, is kept in a folder."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gistrec.config.sequence import SequenceConfig
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, LongArray, Sequences
from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside
from gistrec.sequence.batches import right_padded, sorted_batches
from gistrec.sequence.bert4rec import BERT4Rec
from gistrec.sequence.gru4rec import GRU4Rec
from gistrec.sequence.network import SequenceNetwork
from gistrec.sequence.report import TrainingReport
from gistrec.sequence.sasrec import SASRec

WEIGHTS_FILE = "model.safetensors"
SETTINGS_FILE = "model.json"
_KNOWN = "known_items"
_ARCHITECTURES: dict[str, type[SASRec] | type[GRU4Rec] | type[BERT4Rec]] = {
    "sasrec": SASRec,
    "gru4rec": GRU4Rec,
    "bert4rec": BERT4Rec,
}
_ENCODE_BATCH = 512
_UNREADABLE = (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError)


def build_network(config: SequenceConfig, n_items: int) -> SequenceNetwork:
    """A fresh network of the configured architecture, by the current torch seed."""
    return _ARCHITECTURES[config.architecture](n_items, config)


class SequenceModel:
    """A ranker made of a trained network; items it never trained on are known to it as such.

    Unknown items are dropped from histories. As candidates they are scored by a random embedding
    with the mean and covariance of the known ones, so that they rank near chance: neither above
    nor below the others as a group.
    """

    def __init__(
        self,
        network: SequenceNetwork,
        config: SequenceConfig,
        known: npt.NDArray[np.bool_],
        report: TrainingReport,
    ) -> None:
        self.network = network.eval()
        self.config = config
        self.known = known
        self.report = report

    @property
    def name(self) -> str:
        """The architecture."""
        return self.config.architecture

    @property
    def n_items(self) -> int:
        """How many items the catalogue held in training."""
        return len(self.known)

    @property
    def item_embeddings(self) -> npt.NDArray[np.float32]:
        """Float32 [n_items, d], what states are multiplied with."""
        table: npt.NDArray[np.float32] = self._table().detach().cpu().numpy()
        return table

    def encode(self, histories: Sequences) -> npt.NDArray[np.float32]:
        """Float32 [u, d]: the state after each history's last known item; not normalised."""
        recent = histories.keeping(self.known).last(self.config.max_length)
        states = np.empty((len(recent), self.network.width), dtype=np.float32)
        with self._in_32_bits():
            for rows, batch in self._encoded(recent):
                states[rows] = batch.cpu().numpy()
        return states

    @torch.inference_mode()
    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c], or [u, n_items] where ``candidates`` is None; the ``Ranker`` contract."""
        recent = histories.keeping(self.known).last(self.config.max_length)
        columns = self.n_items if candidates is None else candidates.shape[1]
        scores = np.empty((len(recent), columns), dtype=np.float32)
        table = self._table()
        with self._in_32_bits():
            for rows, states in self._encoded(recent):
                if candidates is None:
                    scores[rows] = (states @ table.T).cpu().numpy()
                else:
                    codes = torch.from_numpy(candidates[rows].astype(np.int64)).to(table.device)
                    scores[rows] = torch.einsum("bd,bcd->bc", states, table[codes]).cpu().numpy()
        return scores

    def save(self, folder: Path) -> None:
        """Write the weights and the settings into ``folder``; the settings last."""
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors[_KNOWN] = torch.from_numpy(self.known)
        with written_aside(folder / WEIGHTS_FILE) as aside:
            save_file(tensors, aside)
        settings = {"config": self.config.model_dump(), "report": asdict(self.report)}
        write_json(folder / SETTINGS_FILE, settings)

    @classmethod
    def load(cls, folder: Path) -> "SequenceModel":
        """Read what ``save`` wrote.

        Raises:
            RunError: a file is missing or is not what ``save`` writes.
        """
        try:
            settings = read_json(folder / SETTINGS_FILE)
            config = SequenceConfig.model_validate(settings["config"])
            report = TrainingReport(**settings["report"])
            tensors = load_file(folder / WEIGHTS_FILE)
            known = tensors.pop(_KNOWN).numpy()
            network = build_network(config, len(known))
            network.load_state_dict(tensors)
        except _UNREADABLE as error:
            raise RunError(
                f"{folder}: no readable sequence model ({type(error).__name__}: {error}); "
                "train it again or restore the folder"
            ) from error
        return cls(network, config, known, report)

    def _table(self) -> Tensor:
        return self.network.table.weight[: self.n_items]

    def _in_32_bits(self) -> torch.autocast:
        """Whatever arithmetic the asker is in, such as a language model's training."""
        return torch.autocast(self.network.table.weight.device.type, enabled=False)

    @torch.inference_mode()
    def _encoded(self, recent: Sequences) -> Iterator[tuple[LongArray, Tensor]]:
        self.network.eval()
        device = self.network.table.weight.device
        for rows in sorted_batches(recent.lengths, _ENCODE_BATCH):
            items, lengths = right_padded(recent.take(rows))
            yield rows, self.network.final_states(items.to(device), lengths.to(device))


def arithmetic(
    config: SequenceConfig, device: torch.device
) -> "torch.autocast | nullcontext[None]":
    """The context in which the network trains: bfloat16 where the config says so."""
    if config.dtype == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
