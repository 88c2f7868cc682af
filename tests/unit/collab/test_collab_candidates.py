import numpy as np
import polars as pl
import pytest

from gistrec.collab.candidates import candidates_of, content_scores, next_choices, retrieve
from gistrec.collab.item_vectors import ItemVectors, tfidf_vectors
from gistrec.data.queries import Queries
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences

WORDS = ["red mug", "red lamp", "blue boot", "blue mug", "green kite", ""]
VECTORS = tfidf_vectors(WORDS)
IDS = pl.Series([f"i{code}" for code in range(len(WORDS))])


class Falling:
    """Scores the first item of the catalogue highest."""

    name = "falling"

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        assert candidates is None
        return np.tile(-np.arange(len(WORDS), dtype=np.float32), (len(histories), 1))


def asked(
    histories: list[list[int]], pool: list[int], positives: list[int] | None = None
) -> Queries:
    offsets = np.concatenate([[0], np.cumsum([len(known) for known in histories])])
    items = np.concatenate(histories).astype(np.int32)
    users = pl.Series([f"u{row}" for row in range(len(histories))])
    sequences = Sequences(users, offsets.astype(np.int64), items, np.zeros(len(items), np.int64))
    came = np.array(positives or [0] * len(histories), dtype=np.int32)
    mask = np.isin(np.arange(len(WORDS)), pool)
    return Queries(sequences, came, came[:, None], mask)


def chosen(*rows: tuple[str, int, list[str], float]) -> pl.DataFrame:
    """Similar users of (user, moment), what they chose next, and how similar they are."""
    columns = ["user_id", "moment", "next_items", "similarity"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return table.with_columns(pl.lit("someone").alias("neighbour"), pl.lit(1).alias("rank"))


class Flat:
    """An encoder of sentences that knows only the first letter."""

    def encode(self, texts: list[str]) -> np.ndarray:
        letters = np.array([[text[:1] == letter for letter in "rbg"] for text in texts])
        return letters.astype(np.float32)


@pytest.mark.parametrize("vectors", [VECTORS, Flat().encode(WORDS)], ids=["words", "sentences"])
def test_content_prefers_what_resembles_the_history(vectors: ItemVectors) -> None:
    scores = content_scores(vectors, asked([[0]], [1]).histories)[0]
    assert scores.dtype == np.float32
    assert scores[0] == pytest.approx(1)
    assert scores[1] > scores[4]  # red lamp, after a red mug, before a green kite
    assert scores[4] == scores[5] == pytest.approx(0)


def test_content_is_compared_with_the_latest_items_alone() -> None:
    late = asked([[4, *[0] * 8]], [1]).histories
    assert content_scores(VECTORS, late)[0, 4] == 0
    both = content_scores(VECTORS, asked([[0, 4]], [1]).histories)[0]
    assert both[4] == pytest.approx(0.5)


def test_a_catalogue_without_words_scores_nothing() -> None:
    assert (content_scores(tfidf_vectors([""] * 3), asked([[0]], [1]).histories) == 0).all()


def test_both_ways_of_retrieval_are_united_and_history_and_others_stay_out() -> None:
    queries = asked([[0], [2, 4]], pool=[0, 1, 2, 3, 5])
    table = retrieve(Falling(), VECTORS, queries, IDS, count=1).table
    found = [set(row) for row in table["candidates"].to_list()]
    # The encoder's best that is neither known nor out of the pool, and the nearest by content.
    assert "i1" in found[0]
    assert found[0] <= {"i1", "i3"}  # red lamp and blue mug both share one word
    assert found[1] == {"i0", "i3"}
    assert table["moment"].to_list() == [1, 2]


def test_what_similar_users_chose_next_is_retrieved_too() -> None:
    queries = asked([[0], [2]], pool=[0, 1, 2, 3, 4, 5])
    neighbours = chosen(
        ("u0", 1, ["i4", "i0"], 0.5),  # what the user had already is no candidate
        ("u0", 1, ["i5"], 0.3),
        ("u0", 1, ["i5"], 0.3),
        ("u0", 2, ["i3"], 0.9),  # of another moment
        ("u9", 1, ["i3"], 0.9),  # of another user
    )
    histories, pool = queries.histories, queries.pool
    one = candidates_of(Falling(), VECTORS, histories, pool, IDS, 1, neighbours)
    assert [codes.tolist() for codes in one.neighbours] == [[5], []]  # two chose it: 0.6
    both = candidates_of(Falling(), VECTORS, histories, pool, IDS, 2, neighbours)
    assert both.neighbours[0].tolist() == [4, 5]
    assert set(both.union[0]) >= {4, 5}


def test_votes_are_similarities_summed_and_a_far_neighbour_still_votes() -> None:
    histories = asked([[0]], [1]).histories
    neighbours = chosen(("u0", 1, ["i4"], 0.5), ("u0", 1, ["i4"], 0.25), ("u0", 1, ["i2"], -0.2))
    votes = next_choices(histories, neighbours, IDS).toarray()[0]
    assert votes[4] == pytest.approx(0.75)
    assert 0 < votes[2] < 1e-6


def test_a_cold_item_is_reached_by_its_content() -> None:
    """The encoder puts it last and nobody chose it."""
    pool = asked([[0]], pool=[1, 2, 4, 5]).pool
    words = [*WORDS[:5], "red mug"]
    found = candidates_of(
        Falling(), tfidf_vectors(words), asked([[0]], [1]).histories, pool, IDS, 1
    )
    assert found.encoder[0].tolist() == [1]
    assert found.content[0].tolist() == [5]


def test_recall_is_the_share_of_positives_by_kind() -> None:
    queries = asked([[0], [0], [0], [0]], pool=[1, 2, 3, 4, 5], positives=[1, 4, 2, 5])
    neighbours = chosen(("u1", 1, ["i4"], 0.5), ("u3", 1, ["i4"], 0.5))
    recall = retrieve(Falling(), VECTORS, queries, IDS, 1, neighbours).recall
    assert (recall.questions, recall.encoder, recall.neighbours) == (4, 0.25, 0.25)
    assert recall.union == 0.5
    assert recall.facts()["candidates"] == recall.candidates


def test_what_came_next_changes_no_candidate() -> None:
    histories, pool = [[0], [2, 4], [3]], [0, 1, 2, 3, 5]
    tables = [
        retrieve(Falling(), VECTORS, asked(histories, pool, positives), IDS, 2).table
        for positives in ([1, 1, 1], [5, 3, 2])
    ]
    assert tables[0].equals(tables[1])


def test_a_user_who_had_everything_is_offered_nothing() -> None:
    queries = asked([[0, 1]], pool=[0, 1])
    neighbours = chosen(("u0", 2, ["i1"], 0.5))
    found = retrieve(Falling(), VECTORS, queries, IDS, 3, neighbours)
    assert found.table["candidates"].to_list() == [[]]
    assert found.recall.union == 0


def test_no_questions() -> None:
    found = retrieve(Falling(), VECTORS, asked([[0]], [1]).take([]), IDS, 3)
    assert len(found.table) == 0
    assert (found.recall.questions, found.recall.union) == (0, 0.0)
