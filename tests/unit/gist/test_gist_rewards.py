import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.config.rewards import RewardConfig
from gistrec.gist.rewards import (
    Rewards,
    distinction,
    information,
    length,
    reconstruction,
    rewards,
    with_penalties,
)
from gistrec.text.encoder import open_sentence_encoder

TEXTS = ["red leather sofa", "tall green lamp", "wool gloves", "red leather sofa", ""]
ENCODER = open_sentence_encoder("lsa", TEXTS)
MOST = 4
WORDS = ("red", "leather", "sofa", "lamp", "gloves", "unheard")

Batch = tuple[list[tuple[str, ...] | None], list[int], list[float]]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    count = draw(st.integers(1, 8))
    keywords = st.lists(st.sampled_from(WORDS), min_size=1, max_size=MOST, unique=True).map(tuple)
    answers = draw(st.lists(st.none() | keywords, min_size=count, max_size=count))
    items = draw(st.lists(st.integers(0, len(TEXTS) - 1), min_size=count, max_size=count))
    logs = draw(st.lists(st.floats(-1e4, 0, width=32), min_size=count, max_size=count))
    return answers, items, logs


def rewarded(batch: Batch, config: RewardConfig) -> Rewards:
    answers, items, logs = batch
    given_logs = [
        math.nan if not TEXTS[item] else log for item, log in zip(items, logs, strict=True)
    ]
    return rewards(
        answers,
        items,
        [TEXTS[item] for item in items],
        np.array(given_logs, dtype=np.float32),
        MOST,
        ENCODER,
        config,
    )


BOUNDED = RewardConfig(distinction=0.5)


@given(batches())
def test_bounded_rewards_keep_their_bounds(batch: Batch) -> None:
    found = rewarded(batch, BOUNDED)
    for part, low, high in (
        (found.information, -1, 1),
        (found.reconstruction, 0, 1),
        (found.length, -1, 0),
        (found.distinction, -2, 2),
    ):
        there = part[~np.isnan(part)]
        assert ((there >= low) & (there <= high)).all()
    assert np.isfinite(found.total).all()
    assert not np.isnan(found.length[found.valid]).any()


@given(batches())
def test_the_papers_form_is_finite_and_never_above_zero(batch: Batch) -> None:
    found = rewarded(batch, RewardConfig(form="paper", information=0))
    assert np.isfinite(found.total).all()
    assert (found.total <= 0).all()


@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_the_batch_decides_nothing(batch: Batch, random: Random) -> None:
    order = list(range(len(batch[0])))
    random.shuffle(order)
    moved = (
        [batch[0][at] for at in order],
        [batch[1][at] for at in order],
        [batch[2][at] for at in order],
    )
    there, here = rewarded(batch, BOUNDED), rewarded(moved, BOUNDED)
    for name in ("information", "reconstruction", "length", "distinction", "total"):
        expected = getattr(there, name)[order]
        assert getattr(here, name) == pytest.approx(expected, abs=1e-5, nan_ok=True)


@given(batches(), st.sampled_from(["paper", "bounded"]))
def test_no_invalid_answer_beats_a_valid_one_to_its_question(batch: Batch, form: str) -> None:
    found = rewarded(batch, RewardConfig.model_validate({"form": form}))
    for question in set(batch[1]):
        mine = np.array(batch[1]) == question
        good, bad = found.total[mine & found.valid], found.total[mine & ~found.valid]
        if len(good) and len(bad):
            assert bad.max() < good.min()


def test_the_sum_is_that_of_the_weighted_parts() -> None:
    config = RewardConfig(information=2, reconstruction=3, length=0.5, distinction=0.25)
    found = rewarded(([("red", "sofa"), ("lamp",)], [0, 1], [-1.0, -2.0]), config)
    assert found.reconstruction == pytest.approx([math.exp(-1), math.exp(-2)])
    assert found.length == pytest.approx([-2 / MOST, -1 / MOST])
    assert found.information[0] == pytest.approx(
        float(np.dot(*ENCODER.encode(["red, sofa", TEXTS[0]]))), abs=1e-6
    )
    expected = (
        2 * found.information
        + 3 * found.reconstruction
        + 0.5 * found.length
        + 0.25 * found.distinction
    )
    assert found.total == pytest.approx(expected, abs=1e-6)


def test_of_an_item_without_words_only_the_length_counts() -> None:
    found = rewarded(([("red", "sofa")], [4], [-1.0]), BOUNDED)
    for part in (found.information, found.reconstruction, found.distinction):
        assert np.isnan(part).all()
    assert found.total == pytest.approx([-BOUNDED.length * 2 / MOST])


def test_telling_words_inform_more_than_others() -> None:
    found = rewarded(([("red", "sofa"), ("lamp",), ("unheard",)], [0, 0, 0], [0, 0, 0]), BOUNDED)
    good, wrong, unheard = found.information
    assert good > 0.7
    assert (wrong, unheard) == pytest.approx((0, 0), abs=1e-6)


def test_the_papers_perplexity_and_its_bounded_form() -> None:
    logs = np.array([0, -math.log(4), -500, math.nan], dtype=np.float32)
    assert reconstruction(logs, "paper") == pytest.approx(
        [-1, -4, -math.exp(10), math.nan], nan_ok=True, rel=1e-5
    )
    assert reconstruction(logs, "bounded") == pytest.approx(
        [1, 1 / 4, math.exp(-10), math.nan], nan_ok=True
    )


def test_length_counts_keywords() -> None:
    counts = np.array([1, 3, 4])
    assert length(counts, 4, "paper").tolist() == [-1, -3, -4]
    assert length(counts, 4, "bounded").tolist() == [-1 / 4, -3 / 4, -1]


def test_distinction_is_the_margin_to_the_nearest_other_item() -> None:
    texts = np.eye(3, dtype=np.float32)[:2]
    own = np.array([0, 1, 0])
    gists = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0]], dtype=np.float32)
    assert distinction(gists, texts, own) == pytest.approx([1 - 0, 0.8 - 0.6, 0 - 1])
    assert distinction(gists[:1], texts[:1], own[:1]).tolist() == [0]
    assert information(gists, texts[own]) == pytest.approx([1, 0.8, 0])


def test_an_invalid_answer_lies_below_the_worst_of_its_own_question() -> None:
    total = np.array([5, 0, 0, -30, 0], dtype=np.float32)
    valid = np.array([True, False, False, True, False])
    found = with_penalties(total, valid, [7, 7, 8, 9, 9], penalty=2)
    assert found.tolist() == [5, 5 - 2, -2, -30, -30 - 2]


def test_an_empty_batch_has_no_rewards() -> None:
    assert rewarded(([], [], []), BOUNDED).total.shape == (0,)
