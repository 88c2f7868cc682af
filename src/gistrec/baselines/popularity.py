"""Popularity: everybody gets what most chose."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from gistrec.baselines.matrix import item_counts
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.files import written_aside

_FILE = "popularity.safetensors"


class Popularity:
    """Scores an item by how often it occurs in the training log; an unknown item gets 0."""

    name = "popularity"

    def __init__(self, counts: npt.NDArray[np.float32]) -> None:
        self.counts = counts

    @classmethod
    def fit(cls, train: Sequences, n_items: int) -> "Popularity":
        """Count the training log."""
        return cls(item_counts(train, n_items).astype(np.float32))

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c] or [u, n_items]; the ``Ranker`` contract."""
        if candidates is None:
            return np.tile(self.counts, (len(histories), 1))
        return self.counts[candidates]

    def save(self, folder: Path) -> None:
        """Write the counts into ``folder``."""
        with written_aside(folder / _FILE) as aside:
            save_file({"counts": self.counts}, aside)

    @classmethod
    def load(cls, folder: Path) -> "Popularity":
        """Read what ``save`` wrote."""
        return cls(load_file(folder / _FILE)["counts"])
