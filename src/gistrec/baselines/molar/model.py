"""Molar trained: scores items, is kept in a folder."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import JsonValue
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gistrec.baselines.molar.network import Molar
from gistrec.config.molar import MolarConfig
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside
from gistrec.sequence.batches import right_padded, sorted_batches
from gistrec.sequence.report import TrainingReport

NAME = "molar"
VECTORS_FILE = "item_vectors.safetensors"
_WEIGHTS, _SETTINGS = "model.safetensors", "model.json"
_KNOWN, _VECTORS = "known_items", "vectors"
_BATCH = 512
_UNREADABLE = (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError)


class MolarModel:
    """A ranker made of a trained network; items nobody chose in training leave histories.

    As candidates they are scored by their content, like all others.
    """

    name = NAME

    def __init__(
        self,
        network: Molar,
        config: MolarConfig,
        known: npt.NDArray[np.bool_],
        report: TrainingReport,
    ) -> None:
        self.network = network.eval()
        self.config = config
        self.known = known
        self.report = report

    @torch.inference_mode()
    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c], or [u, n_items] where ``candidates`` is None; the ``Ranker`` contract."""
        self.network.eval()
        recent = histories.keeping(self.known).last(self.config.max_length)
        table = self.network.catalogue()
        columns = len(table) if candidates is None else candidates.shape[1]
        scores = np.empty((len(recent), columns), dtype=np.float32)
        for rows in sorted_batches(recent.lengths, _BATCH):
            items, lengths = right_padded(recent.take(rows))
            device = table.device
            states = self.network.final_states(items.to(device), lengths.to(device), table)
            if candidates is None:
                scores[rows] = (states @ table.T).cpu().numpy()
            else:
                codes = torch.from_numpy(candidates[rows].astype(np.int64)).to(device)
                scores[rows] = torch.einsum("bd,bcd->bc", states, table[codes]).cpu().numpy()
        return scores

    def facts(self) -> dict[str, JsonValue]:
        """Whether it is aligned, and what training came to."""
        return {
            "alignment": self.network.from_ids is not None,
            "scale": round(self.network.users.scale.item(), 2),
            "epochs": self.report.epochs,
            "best_epoch": self.report.best_epoch,
        }

    def save(self, folder: Path) -> None:
        """Write the weights, the items' vectors and the settings into ``folder``; these last."""
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors[_KNOWN] = torch.from_numpy(self.known)
        with written_aside(folder / _WEIGHTS) as aside:
            save_file(tensors, aside)
        save_vectors(self.network.vectors, folder)
        projection = self.network.from_ids
        settings = {
            "config": self.config.model_dump(),
            "report": asdict(self.report),
            "id_width": 0 if projection is None else projection.in_features,
        }
        write_json(folder / _SETTINGS, settings)

    @classmethod
    def load(cls, folder: Path) -> "MolarModel":
        """Read what ``save`` wrote.

        Raises:
            RunError: a file is missing or is not what ``save`` writes.
        """
        try:
            settings = read_json(folder / _SETTINGS)
            config = MolarConfig.model_validate(settings["config"])
            report = TrainingReport(**settings["report"])
            tensors = load_file(folder / _WEIGHTS)
            known = tensors.pop(_KNOWN).numpy()
            network = Molar(config, load_vectors(folder), settings["id_width"])
            network.load_state_dict(tensors)
        except _UNREADABLE as error:
            raise RunError(
                f"{folder}: no readable Molar ({type(error).__name__}: {error}); "
                "train it again or restore the folder"
            ) from error
        return cls(network, config, known, report)


def save_vectors(vectors: torch.Tensor, folder: Path) -> None:
    """Write items' vectors, float32 [n_items, v], into a folder, atomically."""
    with written_aside(folder / VECTORS_FILE) as aside:
        save_file({_VECTORS: vectors.detach().cpu().contiguous()}, aside)


def load_vectors(folder: Path) -> torch.Tensor:
    """The items' vectors of a folder, float32 [n_items, v]."""
    vectors: torch.Tensor = load_file(folder / VECTORS_FILE)[_VECTORS]
    return vectors
