"""Evidence for training windows, the encoder's part out of fold.

An encoder ranks what its own training users chose next far better than it ranks for anybody else.
A recommender that learns from such places would trust them too much; so each training user is
ranked for by the encoder that never saw it. Co-consumption needs no folds: leaving the user's own
interactions out of the log is exact.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gistrec.collab.evidence import CatalogueRanker, Evidence
from gistrec.collab.told import Candidates, Told, flat, joined, offsets_of
from gistrec.data.sequences import LongArray
from gistrec.errors import RunError


def out_of_fold_evidence(
    evidence: Evidence,
    encoders: Sequence[CatalogueRanker],
    rows: LongArray,
    moments: LongArray,
    candidates: Candidates,
    fold: LongArray,
) -> Told:
    """Evidence on training users at training moments.

    Args:
        evidence: by the whole training log; its own encoder is not asked.
        encoders: one a fold; number f was trained on ``outside(train, fold, f)`` alone.
        rows: int64 [m], rows of the training log that ask.
        moments: int64 [m], how many of their items are known then.
        candidates: m lists of item codes, or int [m, c].
        fold: int64 [u], the fold of every user of the training log, as ``fold_of`` gives it.

    Returns:
        In the order of ``rows``.

    Raises:
        RunError: there is not one encoder a fold.
    """
    folds = int(fold.max(initial=-1)) + 1
    if len(encoders) != folds:
        raise RunError(f"{len(encoders)} encoders for {folds} folds; give one a fold")
    train = evidence.log.train
    codes, lengths = flat(candidates)
    lists = np.split(codes, offsets_of(lengths)[1:-1]) if len(rows) else []
    parts, asked = [], []
    for which, encoder in enumerate(encoders):
        asking = np.flatnonzero(fold[rows] == which)
        asked.append(asking)
        told = replace(evidence, encoder=encoder).of(
            train.prefixes(rows[asking], moments[asking]),
            [lists[window] for window in asking],
            rows[asking],
        )
        parts.append(told)
    return joined(parts).take(np.argsort(np.concatenate(asked)))
