"""Which items are worth scoring where the whole catalogue is ranked: cheap retrievals, united.

Each kind reaches what the others cannot: the sequence encoder knows co-consumption, content knows
cold items, and similar users' next choices know what this very taste went on to.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from gistrec import schema
from gistrec.collab.item_vectors import ItemVectors
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker, Scores
from gistrec.data.sequences import LongArray, Sequences
from gistrec.progress import track

RETRIEVAL_NEIGHBOURS = 50  # similar users whose next choices are retrieved
_CHUNK = 512  # users whose whole-catalogue scores are in memory at once
_RECENT = 8  # latest items that content is compared with

Bool = npt.NDArray[np.bool_]
Lists = list[LongArray]


@dataclass(frozen=True)
class Candidates:
    """Items retrieved for u users, by kind: ascending int64 codes, any number a user.

    Attributes:
        encoder: the best by the sequence encoder.
        content: the nearest to the latest items.
        neighbours: what similar users chose next.
    """

    encoder: Lists
    content: Lists
    neighbours: Lists

    @property
    def union(self) -> Lists:
        """All kinds together, ascending, each item once."""
        kinds = zip(self.encoder, self.content, self.neighbours, strict=True)
        return [np.unique(np.concatenate(found)) for found in kinds]


@dataclass(frozen=True)
class CandidateRecall:
    """What was retrieved, judged after the fact by what really came next.

    Attributes:
        questions: how many were asked.
        candidates: mean number of a question's.
        encoder, content, neighbours: the share of questions whose positive this kind holds.
        union: the share whose positive any kind holds.
    """

    questions: int
    candidates: float
    encoder: float
    content: float
    neighbours: float
    union: float

    def facts(self) -> dict[str, int | float]:
        """For a manifest."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Retrieved:
    """Candidates as a table, and how good they are.

    Attributes:
        table: user_id, moment, candidates (list of item ids).
        recall: of the questions behind it.
    """

    table: pl.DataFrame
    recall: CandidateRecall


def retrieve(
    encoder: Ranker,
    vectors: ItemVectors,
    queries: Queries,
    item_ids: pl.Series,
    count: int,
    neighbours: pl.DataFrame | None = None,
) -> Retrieved:
    """Candidates for each question, and the recall of each kind.

    Args:
        encoder: scores the whole catalogue by co-consumption; knows nothing of cold items.
        vectors: what content is compared by.
        queries: their pool less the history is what may be retrieved; answers are looked at only
            when all is retrieved, to judge it.
        item_ids: the ids behind the item codes.
        count: of each kind.
        neighbours: similar users of these questions, as ``find_neighbours`` gives them; None for no
            candidates of this kind.
    """
    found = candidates_of(
        encoder, vectors, queries.histories, queries.pool, item_ids, count, neighbours
    )
    return Retrieved(as_table(found, queries.histories, item_ids), _judged(found, queries))


def candidates_of(
    encoder: Ranker,
    vectors: ItemVectors,
    histories: Sequences,
    pool: Bool,
    item_ids: pl.Series,
    count: int,
    neighbours: pl.DataFrame | None = None,
) -> Candidates:
    """As ``retrieve``, where nobody knows what comes next; ``pool`` (bool [n_items]) bounds it."""
    votes = next_choices(histories, neighbours, item_ids)
    kinds: tuple[Lists, Lists, Lists] = ([], [], [])
    for start in track(range(0, len(histories), _CHUNK), "retrieving candidates"):
        places = np.arange(start, min(start + _CHUNK, len(histories)))
        part = histories.take(places)
        allowed = np.repeat(pool[None], len(part), axis=0)
        allowed[part.rows(), part.items] = False
        chosen = votes[places].toarray()
        kinds[0].extend(_best(encoder.score(part, None), allowed, count))
        kinds[1].extend(_best(content_scores(vectors, part), allowed, count))
        kinds[2].extend(_best(chosen, allowed & (chosen > 0), count))
    return Candidates(*kinds)


def content_scores(vectors: ItemVectors, histories: Sequences) -> Scores:
    """float32 [u, n_items]: mean cosine of each item's content with that of the latest items."""
    recent = histories.last(_RECENT)
    shares = np.repeat(1 / np.maximum(recent.lengths, 1), recent.lengths).astype(np.float32)
    mean = csr_matrix((shares, recent.items, recent.offsets), (len(recent), vectors.shape[0]))
    tastes = mean @ vectors
    scores = tastes @ vectors.T
    dense = scores if isinstance(scores, np.ndarray) else scores.toarray()
    return np.asarray(dense, dtype=np.float32)


def next_choices(
    histories: Sequences, neighbours: pl.DataFrame | None, item_ids: pl.Series
) -> csr_matrix:
    """float32 [u, n_items]: of each item, the similarities of those who chose it next, summed.

    Args:
        histories: who asks.
        neighbours: user_id, moment, similarity, next_items; others than the askers' are left out.
        item_ids: the ids behind the item codes.
    """
    shape = (len(histories), len(item_ids))
    if neighbours is None:
        nothing = np.empty(0, dtype=np.int64)
        return csr_matrix((np.empty(0, dtype=np.float32), (nothing, nothing)), shape)
    asked = pl.DataFrame(
        {schema.USER_ID: histories.users, schema.MOMENT: histories.lengths}
    ).with_row_index("row")
    codes = pl.DataFrame({schema.NEXT_ITEMS: item_ids}).with_row_index("code")
    chosen = (
        neighbours.explode(schema.NEXT_ITEMS)
        .join(codes, on=schema.NEXT_ITEMS)
        .join(asked, on=[schema.USER_ID, schema.MOMENT])
    )
    # A neighbour far away still chose it: no less than a little.
    weight = np.maximum(chosen[schema.SIMILARITY].to_numpy(), np.finfo(np.float32).eps)
    places = (chosen["row"].to_numpy(), chosen["code"].to_numpy())
    return csr_matrix((weight.astype(np.float32), places), shape)


def as_table(found: Candidates, histories: Sequences, item_ids: pl.Series) -> pl.DataFrame:
    """user_id, moment, candidates (list of item ids, all kinds together)."""
    lists = [item_ids.gather(codes).to_list() for codes in found.union]
    return pl.DataFrame(
        {
            schema.USER_ID: histories.users,
            schema.MOMENT: histories.lengths,
            schema.CANDIDATES: pl.Series(lists, dtype=pl.List(pl.String)),
        }
    )


def _judged(found: Candidates, queries: Queries) -> CandidateRecall:
    union = found.union
    return CandidateRecall(
        questions=len(queries),
        candidates=float(np.mean([len(codes) for codes in union])) if union else 0.0,
        encoder=_share(found.encoder, queries),
        content=_share(found.content, queries),
        neighbours=_share(found.neighbours, queries),
        union=_share(union, queries),
    )


def _share(lists: Sequence[LongArray], queries: Queries) -> float:
    """Of questions whose positive is in their list; 0 where there are none."""
    held = [positive in codes for positive, codes in zip(queries.positives, lists, strict=True)]
    return float(np.mean(held)) if held else 0.0


def _best(scores: Scores, allowed: Bool, count: int) -> Lists:
    """Codes of the ``count`` best of each row among those allowed, ascending."""
    kept = min(count, scores.shape[1])
    masked = np.where(allowed, scores, -np.inf)
    best = np.argpartition(-masked, kept - 1, axis=1)[:, :kept]
    return [np.sort(codes[open_[codes]]) for codes, open_ in zip(best, allowed, strict=True)]
