import polars as pl
import pytest

from gistrec.errors import RunError
from gistrec.evaluation.agreement import agreement


def ranks(*places: float, users: str = "abc", scored: int = 3) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": list(users),
            "positive": ["x", "y", "x"],
            "history_length": [3, 4, 5],
            "n_candidates": [9, 9, 9],
            "retrieved": [row < scored for row in range(3)],
            "rank": list(map(float, places)),
        }
    )


def test_ranks_are_compared_question_by_question() -> None:
    assert agreement(ranks(1, 2.5, 7), ranks(1, 4.5, 7)) == (3, 2, pytest.approx(2 / 3), 2.0)


def test_the_order_of_questions_does_not_matter() -> None:
    assert agreement(ranks(1, 2.5, 7), ranks(1, 2.5, 7).reverse()) == (3, 3, 0.0, 0.0)


def test_positives_without_a_score_say_nothing() -> None:
    one, other = ranks(1, 4, 7, scored=2), ranks(1, 2, 7, scored=2)
    assert agreement(one, other) == (2, 1, 1.0, 2.0)
    assert agreement(ranks(1, 2, 3, scored=0), ranks(1, 2, 3, scored=0)) == (0, 0, 0.0, 0.0)
    with pytest.raises(RunError, match="not of the same questions"):
        agreement(one, ranks(1, 2, 7))


def test_other_questions_are_refused() -> None:
    with pytest.raises(RunError, match="not of the same questions"):
        agreement(ranks(1, 2, 3), ranks(1, 2, 3, users="abd"))
