"""What an approximate search for similar users misses, measured against the exact one."""

import numpy as np

from gistrec.collab.knowledge_base import KnowledgeBase, States
from gistrec.collab.neighbours import Found, search, search_exactly

_SAMPLE = 200  # queries
_ROUNDING = 1e-6  # of float32 sums in another order


def search_facts(base: KnowledgeBase, queries: States, k: int = 10) -> dict[str, str | int | float]:
    """How ``base`` is searched and what that misses, for a manifest.

    An exact index is not measured: it misses nothing.

    Returns:
        index, indexed_states, and index_recall@``k`` on a sample of ``queries``.
    """
    recall = 1.0 if base.kind == "flat" else measured_recall(base, queries, k)
    return {
        "index": base.kind,
        "indexed_states": len(base),
        f"index_recall@{k}": round(recall, 4),
    }


def measured_recall(base: KnowledgeBase, queries: States, k: int) -> float:
    """The share of the ``k`` most similar users of ``queries`` that the base's index finds.

    A user counts who is found at a moment as similar as the exact search's last one, so that equals
    may stand for one another.

    Args:
        base: what is searched.
        queries: float32 [q, d], of length one; a sample of them, drawn by a fixed seed, is asked.
        k: users a query.

    Returns:
        Between 0 and 1; 1 where nobody asks.
    """
    if not len(queries) or not k:
        return 1.0
    drawn = np.random.default_rng(0).permutation(len(queries))[:_SAMPLE]
    strangers = np.full(len(drawn), -1, dtype=np.int64)
    exact = search_exactly(base, queries[drawn], strangers, k)
    found = search(base, queries[drawn], strangers, k)
    last = _last(exact, len(drawn))
    right = found.similarity >= last[found.query] - _ROUNDING
    return float(min(right.sum() / len(exact.query), 1.0))


def _last(found: Found, queries: int) -> States:
    """float32 [q], the least similarity of each query's users."""
    least = np.full(queries, np.inf, dtype=np.float32)
    np.minimum.at(least, found.query, found.similarity)
    return least
