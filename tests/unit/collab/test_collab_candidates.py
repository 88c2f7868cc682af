import numpy as np
import polars as pl
import pytest

from gistrec.collab.candidates import content_scores, retrieve
from gistrec.data.queries import Queries
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences

WORDS = ["red mug", "red lamp", "blue boot", "blue mug", "green kite", ""]
IDS = pl.Series([f"i{code}" for code in range(len(WORDS))])


class Falling:
    """Scores the first item of the catalogue highest."""

    name = "falling"

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        assert candidates is None
        return np.tile(-np.arange(len(WORDS), dtype=np.float32), (len(histories), 1))


def asked(histories: list[list[int]], pool: list[int]) -> Queries:
    offsets = np.concatenate([[0], np.cumsum([len(known) for known in histories])])
    items = np.concatenate(histories).astype(np.int32)
    users = pl.Series([f"u{row}" for row in range(len(histories))])
    sequences = Sequences(users, offsets.astype(np.int64), items, np.zeros(len(items), np.int64))
    nothing = np.zeros(len(histories), dtype=np.int32)
    mask = np.isin(np.arange(len(WORDS)), pool)
    return Queries(sequences, nothing, nothing[:, None], mask)


def test_content_prefers_items_that_share_words_with_the_history() -> None:
    scores = content_scores(WORDS, asked([[0]], [1]).histories)[0]
    assert scores[1] > scores[4]  # red lamp, after a red mug, before a green kite
    assert scores[3] > scores[4]  # so does the blue mug
    assert scores[4] == scores[5] == pytest.approx(0)


def test_a_catalogue_without_words_scores_nothing() -> None:
    assert (content_scores([""] * 3, asked([[0]], [1]).histories) == 0).all()


def test_both_ways_of_retrieval_are_united_and_history_and_others_stay_out() -> None:
    queries = asked([[0], [2, 4]], pool=[0, 1, 2, 3, 5])
    table = retrieve(Falling(), WORDS, queries, IDS, count=1)
    found = [set(row) for row in table["candidates"].to_list()]
    # The encoder's best that is neither known nor out of the pool, and the nearest by content.
    assert "i1" in found[0]
    assert found[0] <= {"i1", "i3"}  # red lamp and blue mug both share one word
    assert found[1] == {"i0", "i3"}
    assert table["moment"].to_list() == [1, 2]


def test_a_user_who_had_everything_is_offered_nothing() -> None:
    table = retrieve(Falling(), WORDS, asked([[0, 1]], pool=[0, 1]), IDS, count=3)
    assert table["candidates"].to_list() == [[]]
