import numpy as np
import polars as pl

from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences


class Table:
    """A ranker that looks its scores up: one row a user of the whole log, or one for all."""

    name = "table"

    def __init__(self, scores: np.ndarray, users: pl.Series | None = None) -> None:
        self.scores = np.asarray(scores, dtype=np.float32)
        self.rows = {user: row for row, user in enumerate(users)} if users is not None else None

    def score(self, histories: Sequences, candidates: np.ndarray | None) -> np.ndarray:
        rows = [self.rows[user] if self.rows else 0 for user in histories.users]
        scores = self.scores[rows]
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)


def make_queries(
    histories: list[list[int]],
    positives: list[int],
    n_items: int,
    candidates: list[list[int]] | None = None,
    pool: list[int] | None = None,
) -> Queries:
    offsets = np.concatenate([[0], np.cumsum([len(h) for h in histories])]).astype(np.int64)
    items = np.array([code for history in histories for code in history], dtype=np.int32)
    users = pl.Series([f"u{row}" for row in range(len(histories))], dtype=pl.String)
    within = np.ones(n_items, dtype=bool) if pool is None else np.isin(np.arange(n_items), pool)
    columns = candidates or [[p, (p + 1) % n_items] for p in positives]
    return Queries(
        Sequences(users, offsets, items, np.arange(len(items))),
        np.array(positives, dtype=np.int32),
        np.array(columns, dtype=np.int32),
        within,
    )


def random_case(seed: int, users: int = 60, n_items: int = 40, levels: int = 9):
    """Questions with sampled candidates, and a ranker with many ties among its scores."""
    rng = np.random.default_rng(seed)
    histories = [rng.integers(0, n_items, rng.integers(1, 30)).tolist() for _ in range(users)]
    drawn = [rng.permutation(n_items)[:11].tolist() for _ in range(users)]
    positives = [row[0] for row in drawn]
    queries = make_queries(histories, positives, n_items, drawn, rng.permutation(n_items)[:30])
    scores = rng.integers(0, levels, (users, n_items)) / 4
    return (
        queries,
        Table(scores, queries.histories.users),
        ids(n_items),
        rng.integers(0, 80, n_items),
    )


def ids(n_items: int) -> pl.Series:
    return pl.Series([f"i{code}" for code in range(n_items)])


def make_ranks(better: list[int], ties: list[int] | None = None, n_candidates: int = 21):
    """A ranks table by hand."""
    spread = ties or [0] * len(better)
    others = n_candidates - 1
    ahead = [b + t / 2 for b, t in zip(better, spread, strict=True)]
    return pl.DataFrame(
        {
            "user_id": [f"u{row}" for row in range(len(better))],
            "positive": [f"i{row}" for row in range(len(better))],
            "rank": [a + 1 for a in ahead],
            "ties": spread,
            "n_candidates": [n_candidates] * len(better),
            "auc": [1 - a / others for a in ahead],
            "auc_pooled": [1 - a / others for a in ahead],
            "retrieved": [True] * len(better),
            "history_length": [3 + 5 * (row % 5) for row in range(len(better))],
            "target_count": [7 * (row % 9) for row in range(len(better))],
        }
    )
