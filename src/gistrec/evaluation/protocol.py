"""One pass of a ranker over an evaluation's questions: where what really came next stood."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec import schema
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker, Scores
from gistrec.errors import RunError
from gistrec.evaluation.placement import Placement, place_first, place_in_catalogue
from gistrec.evaluation.pooled import pooled_auc
from gistrec.progress import track

PROTOCOLS = (schema.FULL, schema.SAMPLED, schema.COLD_FULL, schema.COLD_SAMPLED)
_SAMPLED = (schema.SAMPLED, schema.COLD_SAMPLED)
_SAMPLED_USERS = 1024  # users in one call where candidates are few
_FULL_SCORES = 8_000_000  # scores in one call over the whole catalogue: 32 MB


def rank_queries(
    ranker: Ranker,
    queries: Queries,
    protocol: str,
    item_ids: pl.Series,
    train_counts: npt.NDArray[np.integer],
    chunk: int | None = None,
) -> pl.DataFrame:
    """Ask ``ranker`` every question and note where the positives stood.

    Args:
        ranker: what is measured.
        queries: u questions; the split's ``cold`` ones for the cold protocols.
        protocol: one of PROTOCOLS. The sampled ones rank ``queries.candidates``; the full ones
            rank ``queries.pool`` less the user's history, in chunks, so that memory does not grow
            with users x items.
        item_ids: str [n_items], the ids behind the item codes.
        train_counts: int [n_items], how often each item occurs in the training log.
        chunk: users scored in one call; None lets the size of the catalogue decide.

    Returns:
        One row a question in the order of ``queries``: user_id, positive, rank (float, the
        expectation over random order of ties), ties (OTHER candidates with the same score),
        n_candidates, auc, auc_pooled (null in the full protocols), retrieved, history_length,
        target_count.

    Raises:
        RunError: no questions, an unknown protocol, or scores of a wrong shape, NaN, or UNRANKED
            among sampled candidates.
    """
    if protocol not in PROTOCOLS:
        raise RunError(f"protocol {protocol!r} is unknown; choose from {', '.join(PROTOCOLS)}")
    if not len(queries):
        raise RunError(f"the split asks no question under protocol {protocol!r}")
    sampled = protocol in _SAMPLED
    size = chunk or _chunk_size(queries, sampled)
    placements, pairs = [], []
    for part in track(_parts(queries, size), f"ranking by {ranker.name}", -(-len(queries) // size)):
        scores = _scores(ranker, part, sampled)
        placements.append(place_first(scores) if sampled else place_in_catalogue(scores, part))
        if sampled:
            pairs.append(scores)
    shares = pooled_auc(np.concatenate(pairs)) if sampled else None
    return _table(queries, _joined(placements), shares, item_ids, train_counts)


def _chunk_size(queries: Queries, sampled: bool) -> int:
    return _SAMPLED_USERS if sampled else max(1, _FULL_SCORES // len(queries.pool))


def _parts(queries: Queries, size: int) -> Iterator[Queries]:
    for start in range(0, len(queries), size):
        yield queries.take(np.arange(start, min(start + size, len(queries))))


def _scores(ranker: Ranker, queries: Queries, sampled: bool) -> Scores:
    candidates = queries.candidates if sampled else None
    scores = ranker.score(queries.histories, candidates)
    width = queries.candidates.shape[1] if sampled else len(queries.pool)
    if scores.shape != (len(queries), width):
        raise RunError(
            f"ranker {ranker.name!r} gave scores of shape {scores.shape} where "
            f"{(len(queries), width)} was asked for"
        )
    _refuse(np.isnan(scores), "NaN", ranker, queries)
    if sampled:
        _refuse(np.isneginf(scores), "no score", ranker, queries)
    return scores


def _refuse(wrong: npt.NDArray[np.bool_], what: str, ranker: Ranker, queries: Queries) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise RunError(
            f"ranker {ranker.name!r} gave {what} to user {queries.histories.users[int(row)]!r}, "
            f"candidate {column}; every candidate needs a number"
        )


def _joined(parts: list[Placement]) -> Placement:
    return Placement(
        np.concatenate([part.better for part in parts]),
        np.concatenate([part.ties for part in parts]),
        np.concatenate([part.n_candidates for part in parts]),
        np.concatenate([part.retrieved for part in parts]),
    )


def _table(
    queries: Queries,
    placed: Placement,
    shares: npt.NDArray[np.float64] | None,
    item_ids: pl.Series,
    train_counts: npt.NDArray[np.integer],
) -> pl.DataFrame:
    others = placed.n_candidates - 1
    ahead = placed.better + placed.ties / 2
    # Where there is nothing to tell the positive from, chance is all there is.
    auc = 1 - np.divide(ahead, others, out=np.full(len(ahead), 0.5), where=others > 0)
    return pl.DataFrame(
        {
            schema.USER_ID: queries.histories.users,
            schema.POSITIVE: item_ids.gather(queries.positives),
            schema.RANK: ahead + 1,
            schema.TIES: placed.ties,
            schema.N_CANDIDATES: placed.n_candidates,
            schema.AUC: auc,
            schema.AUC_POOLED: pl.Series(shares, dtype=pl.Float64)
            if shares is not None
            else pl.Series([None] * len(ahead), dtype=pl.Float64),
            schema.RETRIEVED: placed.retrieved,
            schema.HISTORY_LENGTH: queries.histories.lengths,
            schema.TARGET_COUNT: train_counts[queries.positives].astype(np.int64),
        }
    )
