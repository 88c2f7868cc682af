"""HM4SR trained: scores items, is kept in a folder."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import JsonValue
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gistrec.baselines.hm4sr.batch import Batch
from gistrec.baselines.hm4sr.clock import Clock
from gistrec.baselines.hm4sr.network import Hm4sr
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside
from gistrec.sequence.batches import sorted_batches
from gistrec.sequence.report import TrainingReport

NAME = "hm4sr"
_WEIGHTS, _VECTORS, _SETTINGS = "model.safetensors", "vectors.safetensors", "model.json"
_KNOWN = "known_items"
_BATCH = 256
_UNREADABLE = (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError)


class Hm4srModel:
    """A ranker made of a trained network; items it never trained on leave histories."""

    name = NAME

    def __init__(
        self,
        network: Hm4sr,
        config: Hm4srConfig,
        known: npt.NDArray[np.bool_],
        vectors: ItemVectors,
        report: TrainingReport,
    ) -> None:
        self.network = network.eval()
        self.config = config
        self.known = known
        self.vectors = vectors
        self.report = report

    @torch.inference_mode()
    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c], or [u, n_items] where ``candidates`` is None; the ``Ranker`` contract."""
        self.network.eval()
        recent = histories.keeping(self.known).last(self.config.max_length)
        n_items = self.network.n_items
        columns = n_items if candidates is None else candidates.shape[1]
        scores = np.empty((len(recent), columns), dtype=np.float32)
        catalogue = self.network.catalogue()
        table = catalogue[:n_items].flatten(1)
        for rows in sorted_batches(recent.lengths, _BATCH):
            batch = Batch.of(recent.take(rows), n_items, self.network.clock, table.device)
            states = self.network.final_states(batch, catalogue)
            if candidates is None:
                scores[rows] = (states @ table.T).cpu().numpy()
            else:
                codes = torch.from_numpy(candidates[rows].astype(np.int64)).to(table.device)
                scores[rows] = torch.einsum("bd,bcd->bc", states, table[codes]).cpu().numpy()
        return scores

    def facts(self) -> dict[str, JsonValue]:
        """Which of its parts were on, and what of the items was known."""
        temporal = "off" if self.network.clock is None else self.config.temporal_experts
        return {
            "temporal_experts": temporal,
            "placeholder_contrast": temporal != "off" and self.config.placeholder_contrast > 0,
            "categories": self.vectors.n_categories,
            "text_encoder": self.vectors.text_encoder,
            "texts": int(self.vectors.has_text.sum()),
            "images": int(self.vectors.has_image.sum()),
            "epochs": self.report.epochs,
            "best_epoch": self.report.best_epoch,
        }

    def save(self, folder: Path) -> None:
        """Write the weights, the vectors and the settings into ``folder``; the settings last."""
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors[_KNOWN] = torch.from_numpy(self.known)
        given = {
            "text": torch.from_numpy(self.vectors.text),
            "image": torch.from_numpy(self.vectors.image),
            "categories": torch.from_numpy(self.vectors.categories),
        }
        for file, content in ((_WEIGHTS, tensors), (_VECTORS, given)):
            with written_aside(folder / file) as aside:
                save_file({name: value.clone() for name, value in content.items()}, aside)
        clock = self.network.clock
        settings = {
            "config": self.config.model_dump(),
            "report": asdict(self.report),
            "clock": None if clock is None else asdict(clock),
            "text_encoder": self.vectors.text_encoder,
        }
        write_json(folder / _SETTINGS, settings)

    @classmethod
    def load(cls, folder: Path) -> "Hm4srModel":
        """Read what ``save`` wrote.

        Raises:
            RunError: a file is missing or is not what ``save`` writes.
        """
        try:
            settings = read_json(folder / _SETTINGS)
            config = Hm4srConfig.model_validate(settings["config"])
            report = TrainingReport(**settings["report"])
            clock = None if settings["clock"] is None else Clock(**settings["clock"])
            given = {name: value.numpy() for name, value in load_file(folder / _VECTORS).items()}
            vectors = ItemVectors(**given, text_encoder=settings["text_encoder"])
            tensors = load_file(folder / _WEIGHTS)
            known = tensors.pop(_KNOWN).numpy()
            network = Hm4sr(config, vectors, clock)
            network.load_state_dict(tensors)
        except _UNREADABLE as error:
            raise RunError(
                f"{folder}: no readable HM4SR ({type(error).__name__}: {error}); "
                "train it again or restore the folder"
            ) from error
        return cls(network, config, known, vectors, report)
