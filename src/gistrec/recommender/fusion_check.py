"""What a fusion gains on validation users that it was not fitted on."""

import numpy as np
import polars as pl

from gistrec.config.fusion import FusionConfig
from gistrec.data.sequences import LongArray
from gistrec.recommender.calibration import standardised, unweighted_terms
from gistrec.recommender.fuse import FEWEST, fit_calibration
from gistrec.recommender.scored_lists import Floats, ScoredLists

_STREAM = 5903  # keeps this draw apart from every other use of the same seed
_CUTOFF = 5


def held_out_gain(lists: ScoredLists, config: FusionConfig, seed: int) -> dict[str, float | int]:
    """NDCG@5 of the fusion and of each part alone, where the fusion is fitted on other users.

    The users are halved by ``seed``; each half is ranked by the calibration that is fitted on the
    other. A list's NDCG is that of its first candidate among the list, a tie costing half a place.

    Returns:
        `users` with their lists, `fusion`, `encoder`, `logit` (mean NDCG@5), `over_encoder` and
        `over_logit` (the differences); nothing where there are too few lists to fit a fusion on,
        or a half would be empty.
    """
    half = _halves(lists.users, seed)
    if len(lists) < FEWEST or len(np.unique(half)) < 2:
        return {}
    fused = np.empty(len(lists))
    for which in (0, 1):
        mine = np.flatnonzero(half == which)
        fitted = fit_calibration(lists.take(np.flatnonzero(half != which)), config)
        held = lists.take(mine)
        fused[mine] = ndcg(fitted.value(held.signals), held.offsets)
    terms = unweighted_terms(lists.signals, by_frequency=False)
    alone = dict(
        zip([term.name for term in terms], standardised(terms, lists.signals).T, strict=True)
    )
    fusion = float(fused.mean())
    encoder, logit = (
        float(ndcg(alone[name], lists.offsets).mean()) for name in ("encoder", "logit")
    )
    return {
        "users": lists.users.n_unique(),
        "fusion": fusion,
        "encoder": encoder,
        "logit": logit,
        "over_encoder": fusion - encoder,
        "over_logit": fusion - logit,
    }


def ndcg(values: Floats, offsets: LongArray) -> Floats:
    """Float64 [u]: NDCG@5 of the first of each list by these values."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    first = np.repeat(values[starts], lengths)
    ahead = np.add.reduceat((values > first) + 0.5 * (values == first), starts)
    rank = ahead + 0.5  # the first itself is one of its ties
    return np.where(rank <= _CUTOFF, 1 / np.log2(1 + rank), 0.0)


def _halves(users: pl.Series, seed: int) -> LongArray:
    """0 or 1 for each list; lists of one user are in one half."""
    ids = users.to_numpy()
    known, owner = np.unique(ids, return_inverse=True)
    half = np.random.default_rng([seed, _STREAM]).permutation(len(known)) % 2
    return np.asarray(half[owner], dtype=np.int64)
