"""Which items are worth scoring where the whole catalogue is ranked: cheap retrievals, united."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer

from gistrec import schema
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker, Scores
from gistrec.data.sequences import Sequences

_CHUNK = 512  # users whose whole-catalogue scores are in memory at once
_RECENT = 8  # latest items that content is compared with


def content_scores(words: Sequence[str], histories: Sequences) -> Scores:
    """float32 [u, n_items]: mean TF-IDF cosine of each item's words with the latest items'."""
    try:
        table = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(words)
    except ValueError:  # no item has a word
        return np.zeros((len(histories), len(words)), dtype=np.float32)
    recent = histories.last(_RECENT)
    mean = np.zeros((len(histories), table.shape[1]), dtype=np.float32)
    for place, history in enumerate(recent):
        mean[place] = np.asarray(table[history].mean(axis=0)).ravel()
    scores: Scores = np.asarray((table @ mean.T).T, dtype=np.float32)
    return scores


def retrieve(
    encoder: Ranker, words: Sequence[str], queries: Queries, item_ids: pl.Series, count: int
) -> pl.DataFrame:
    """The best ``count`` by the sequence encoder and the best ``count`` by content, for each query.

    Args:
        encoder: scores the whole catalogue by co-consumption; knows nothing of cold items.
        words: each item's gist, what content is compared by.
        queries: their pool less the history is what may be retrieved; answers are never looked at.
        item_ids: the ids behind the item codes.
        count: of each kind.

    Returns:
        user_id, moment, candidates (list of item ids).
    """
    found: list[list[str]] = []
    for start in range(0, len(queries), _CHUNK):
        part = queries.histories.take(np.arange(start, min(start + _CHUNK, len(queries))))
        barred = _barred(part, queries.pool)
        kinds = [encoder.score(part, None), content_scores(words, part)]
        best = [_best(np.where(barred, -np.inf, scores), count) for scores in kinds]
        for place in range(len(part)):
            codes = np.unique(np.concatenate([chosen[place] for chosen in best]))
            found.append(item_ids.gather(codes[~barred[place, codes]]).to_list())
    return pl.DataFrame(
        {
            schema.USER_ID: queries.histories.users,
            schema.MOMENT: queries.histories.lengths,
            schema.CANDIDATES: pl.Series(found, dtype=pl.List(pl.String)),
        }
    )


def _barred(histories: Sequences, pool: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    barred = np.repeat(~pool[None], len(histories), axis=0)
    barred[histories.rows(), histories.items] = True
    return barred


def _best(scores: Scores, count: int) -> npt.NDArray[np.int64]:
    kept = min(count, scores.shape[1])
    best: npt.NDArray[np.int64] = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
    return best
