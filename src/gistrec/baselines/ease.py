"""EASE: a linear item-to-item model in closed form (Steck 2019, arXiv 1905.03375, equation 8)."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy import sparse
from scipy.linalg import lapack

from gistrec.baselines.matrix import score_in_chunks, user_item_matrix
from gistrec.config.baselines import EaseConfig
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import ConfigError, RunError
from gistrec.files import written_aside

_FILE = "ease.safetensors"
_MIRROR_ROWS = 1024
Weights = npt.NDArray[np.floating]


class Ease:
    """Scores by a learned item x item matrix without self-similarity.

    The matrix covers the items of the training log alone; all others get 0.
    """

    name = "ease"

    def __init__(self, weights: Weights, known: npt.NDArray[np.bool_]) -> None:
        self.weights = weights  # [k, k], over the known items
        self.known = known  # [n_items]

    @classmethod
    def fit(cls, train: Sequences, n_items: int, config: EaseConfig) -> "Ease":
        """Solve for the weights.

        Raises:
            ConfigError: the training log holds more than ``config.max_items`` items.
        """
        matrix = user_item_matrix(train, n_items)
        known = np.diff(matrix.tocsc().indptr) > 0
        n_known = int(known.sum())
        if n_known > config.max_items:
            gib = n_known**2 * np.dtype(config.dtype).itemsize / 2**30
            raise ConfigError(
                f"ease: {n_known:,} items make a matrix of {gib:.1f} GiB, more than max_items = "
                f"{config.max_items:,} allows; leave ease out of the baselines, keep only items "
                "with more interactions, or raise ease.max_items"
            )
        gram = (matrix.T @ matrix)[known][:, known].toarray().astype(config.dtype)
        return cls(_solved(gram, config.l2), known)

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [u, c] or [u, n_items]; the ``Ranker`` contract."""
        return score_in_chunks(histories, candidates, len(self.known), self._score_all)

    def save(self, folder: Path) -> None:
        """Write the weights into ``folder``."""
        with written_aside(folder / _FILE) as aside:
            save_file({"weights": self.weights, "known": self.known}, aside)

    @classmethod
    def load(cls, folder: Path) -> "Ease":
        """Read what ``save`` wrote."""
        tensors = load_file(folder / _FILE)
        return cls(tensors["weights"], tensors["known"])

    def _score_all(self, users: sparse.csr_array) -> Scores:
        scores = np.zeros(users.shape, dtype=np.float32)
        scores[:, self.known] = users[:, self.known] @ self.weights
        return scores


def _solved(gram: Weights, l2: float) -> Weights:
    """Steck's B: minus the inverse of (gram + l2) over its own diagonal, with a zero diagonal."""
    gram[np.diag_indices_from(gram)] += l2
    single = gram.dtype == np.float32
    factorise = lapack.spotrf if single else lapack.dpotrf
    invert = lapack.spotri if single else lapack.dpotri
    # In place, on one triangle: a general inverse would need three such matrices at once.
    factor, failed = factorise(gram.T, lower=True, overwrite_a=True, clean=False)
    if not failed:
        inverse, failed = invert(factor, lower=True, overwrite_c=True)
    if failed:
        raise RunError("ease: the matrix is not positive definite; raise ease.l2 or use float64")
    weights: Weights = inverse.T  # by rows again, with the upper triangle filled
    _mirror(weights)
    weights /= -np.diagonal(weights).copy()
    np.fill_diagonal(weights, 0.0)
    return weights


def _mirror(square: Weights) -> None:
    """Copy the upper triangle onto the lower one, in place and without a second matrix."""
    for start in range(0, len(square), _MIRROR_ROWS):
        end = min(start + _MIRROR_ROWS, len(square))
        square[start:end, :start] = square[:start, start:end].T
        block = np.triu(square[start:end, start:end])
        square[start:end, start:end] = block + np.triu(block, k=1).T
