import numpy as np
import polars as pl
import pytest
from evaluation_cases import make_ranks
from hypothesis import example, given
from hypothesis import strategies as st

from gistrec.errors import RunError
from gistrec.evaluation.compare import compare
from gistrec.evaluation.intervals import bootstrap, bootstrap_users
from gistrec.evaluation.pooled import pooled_auc

RNG = np.random.default_rng


def test_a_coin_has_the_interval_that_theory_gives() -> None:
    hits = np.repeat([1.0, 0.0], [300, 700])
    found = bootstrap(hits, resamples=4000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert found.value == 300 / 1000
    assert found.low == pytest.approx(0.3 - half, abs=0.003)
    assert found.high == pytest.approx(0.3 + half, abs=0.003)


@pytest.mark.parametrize("n", [500, 5000])
def test_it_is_resampling_users_with_replacement(n: int) -> None:
    """Against plain index resampling, with few and with many distinct values (bins)."""
    values = RNG(0).beta(0.5, 2, n)
    found = bootstrap(values, resamples=4000)
    plain = values[RNG(1).integers(0, n, (4000, n))].mean(axis=1)
    low, high = np.quantile(plain, [0.025, 0.975])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.06 * width)
    assert found.high == pytest.approx(high, abs=0.06 * width)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    draws = RNG(2).random((300, 200)) < 0.4
    held = [
        low <= 0.4 <= high for low, high in (bootstrap(row.astype(float), 400)[1:] for row in draws)
    ]
    assert 0.90 <= np.mean(held) <= 0.98


def test_the_pooled_auc_has_an_honest_interval() -> None:
    """Resampling whole users and computing the pooled AUC anew gives the same spread."""
    rng = RNG(3)
    scores = rng.normal(size=(250, 6)) + rng.normal(size=(250, 1))
    scores[:, 0] += 1
    found = bootstrap(pooled_auc(scores.astype(np.float32)), resamples=2000)
    anew = [
        pooled_auc(scores[rng.integers(0, 250, 250)].astype(np.float32)).mean() for _ in range(400)
    ]
    assert found.high - found.low == pytest.approx(
        np.subtract(*np.quantile(anew, [0.975, 0.025])), rel=0.2
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.randoms())
def test_order_changes_no_digit(values: list, random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert bootstrap(np.array(values), 50) == bootstrap(np.array(shuffled), 50)


def test_a_seed_repeats_and_another_differs() -> None:
    values = RNG(4).random(100)
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_users_asked_often_count_as_one_draw() -> None:
    """Ten copies of each user's answer tell no more than one."""
    answers = RNG(5).random(80)
    users = pl.Series([f"u{row}" for row in range(80)])
    once = bootstrap_users(answers, users)
    often = bootstrap_users(np.tile(answers, 10), pl.concat([users] * 10))
    assert often == pytest.approx(once, abs=0.02)


def test_users_asked_once_are_drawn_as_ever() -> None:
    values = RNG(7).random(300)
    users = pl.Series([f"u{row}" for row in range(300)])
    assert bootstrap_users(values, users) == bootstrap(values)


def drawn_plainly(values: np.ndarray, owners: np.ndarray, resamples: int = 4000) -> np.ndarray:
    """Means of all questions of users drawn with replacement, user by user."""
    sums, asked = np.bincount(owners, values), np.bincount(owners)
    drawn = RNG(1).integers(0, len(sums), (resamples, len(sums)))
    return sums[drawn].sum(axis=1) / asked[drawn].sum(axis=1)


@pytest.mark.parametrize("levels", [2, 1_000_000])
def test_users_asked_differently_often_are_drawn_whole(levels: int) -> None:
    """With few distinct values, and with so many that they share bins."""
    owners = np.repeat(np.arange(4000), RNG(8).integers(1, 6, 4000))
    values = RNG(9).integers(0, levels, len(owners)) / (levels - 1)
    values = np.where(owners % 3 == 0, values / 2, values)
    found = bootstrap_users(values, pl.Series(owners.astype(str)), resamples=4000)
    low, high = np.quantile(drawn_plainly(values, owners), [0.025, 0.975])
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(low, abs=0.08 * (high - low))
    assert found.high == pytest.approx(high, abs=0.08 * (high - low))


@example([(0, 0.04324429018682397), (1, 1.0)])  # rounding leads out of it
@example([(0, 0.8), (0, 0.8), (0, 0.8)])  # likewise the mean itself
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=30))
def test_an_interval_over_users_stays_within_the_values(asked: list[tuple[int, float]]) -> None:
    users, values = pl.Series([str(user) for user, _ in asked]), np.array([v for _, v in asked])
    found = bootstrap_users(values, users, 50)
    rounding = 1e-12
    assert values.min() - rounding <= found.low <= found.high + rounding
    assert found.high <= values.max() + rounding


def test_a_user_asked_often_does_not_push_the_interval_out_of_range() -> None:
    """One user with nearly all questions misses, and a few with one question each hit."""
    values, users = np.repeat([0.0, 1.0], [30, 5]), pl.Series([*["a"] * 30, *"bcdef"])
    found = bootstrap_users(values, users)
    assert found.value == pytest.approx(5 / 35)
    assert 0 <= found.low <= found.value
    assert found.high == 1  # the one user is not drawn at all


def test_a_paired_difference_is_that_of_the_means() -> None:
    a, b = make_ranks([0, 0, 4, 9]), make_ranks([0, 6, 4, 9])
    assert compare(a, b, "HR@5").value == (3 - 2) / 4
    assert compare(b, a, "HR@5").value == -1 / 4
    assert compare(a, a, "HR@5") == (0, 0, 0)


def test_pairing_narrows_the_interval() -> None:
    """Two systems that agree on nearly all users: users vary much, their difference little."""
    better = RNG(6).integers(0, 21, 500)
    worse = better.copy()
    worse[:20] = np.minimum(worse[:20] + 5, 20)
    paired = compare(make_ranks(better.tolist()), make_ranks(worse.tolist()), "NDCG@5")
    alone = bootstrap((better < 5).astype(float))
    assert paired.high - paired.low < (alone.high - alone.low) / 3
    assert paired.value > 0


def test_rows_are_paired_by_question_not_by_position() -> None:
    a, b = make_ranks([0, 6, 4, 9]), make_ranks([0, 6, 4, 9])
    assert compare(a, b[::-1], "MRR@10") == (0, 0, 0)


def test_seeds_are_pooled_by_question() -> None:
    a = [make_ranks([0, 9]), make_ranks([9, 9])]
    b = [make_ranks([9, 9]), make_ranks([9, 9])]
    assert compare(a, b, "HR@5").value == ((1 + 0) / 2 + 0) / 2
    assert compare(a, b, "HR@5").high == 1 / 2  # of two users, both drawn to be the first


def test_other_questions_are_refused() -> None:
    a = make_ranks([0, 1, 2])
    with pytest.raises(RunError, match="3 and 2, of which 2 in common"):
        compare(a, a[:2], "HR@5")
    with pytest.raises(RunError, match="not asked the same questions"):
        compare(a, a.with_columns(positive=pl.lit("x")), "HR@5")
    with pytest.raises(RunError, match="not asked the same questions"):
        compare(a, make_ranks([0, 1, 2], n_candidates=101), "HR@5")
    with pytest.raises(RunError, match="different number of times"):
        compare([a, a], a, "HR@5")
    with pytest.raises(RunError, match="no ranks"):
        compare([], a, "HR@5")
