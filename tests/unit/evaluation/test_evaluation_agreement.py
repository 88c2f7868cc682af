import polars as pl
import pytest

from gistrec.errors import RunError
from gistrec.evaluation.agreement import agreement


def ranks(*places: float, users: str = "abc") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": list(users),
            "positive": ["x", "y", "x"],
            "history_length": [3, 4, 5],
            "n_candidates": [9, 9, 9],
            "rank": list(map(float, places)),
        }
    )


def test_ranks_are_compared_question_by_question() -> None:
    assert agreement(ranks(1, 2.5, 7), ranks(1, 4.5, 7)) == (3, 2, pytest.approx(2 / 3), 2.0)


def test_the_order_of_questions_does_not_matter() -> None:
    assert agreement(ranks(1, 2.5, 7), ranks(1, 2.5, 7).reverse()) == (3, 3, 0.0, 0.0)


def test_other_questions_are_refused() -> None:
    with pytest.raises(RunError, match="not of the same questions"):
        agreement(ranks(1, 2, 3), ranks(1, 2, 3, users="abd"))
