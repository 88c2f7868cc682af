"""AUC pooled over all (user, candidate) pairs, as published code computes it."""

import numpy as np
import numpy.typing as npt

from gistrec.data.ranker import Scores
from gistrec.data.sequences import LongArray


def pooled_auc(scores: Scores) -> npt.NDArray[np.float64]:
    """Each user's share of the pooled AUC; the mean over users is the pooled AUC itself.

    ``scores`` is float32 [u, c], the positive in column 0; ties count half. Returns float64 [u].
    A user's share is how many of all negatives its positive beats, plus how many of all positives
    beat its negatives, less the AUC: the linear form whose spread over users is that of the pooled
    AUC (DeLong et al. 1988), so that resampling users gives an honest interval. A single share
    may therefore lie outside [0, 1].
    """
    users, others = len(scores), scores.shape[1] - 1
    positives, negatives = np.sort(scores[:, 0]), np.sort(scores[:, 1:], axis=None)
    beaten = _twice_below(negatives, scores[:, 0])
    beating = 2 * users * others - _twice_below(positives, scores[:, 1:]).sum(axis=1)
    auc = int(beaten.sum()) / (2 * users * users * others)
    share: npt.NDArray[np.float64] = (beaten + beating) / (2 * users * others) - auc
    return share


def _twice_below(ordered: Scores, values: Scores) -> LongArray:
    """For each value twice how many of ``ordered`` are lower, plus how many are equal."""
    order = np.argsort(values, axis=None)  # searched in order: several times as fast
    needles = values.ravel()[order]
    counts = np.empty(values.size, dtype=np.int64)
    lower = np.searchsorted(ordered, needles, "left")
    counts[order] = lower + np.searchsorted(ordered, needles, "right")
    return counts.reshape(values.shape)
