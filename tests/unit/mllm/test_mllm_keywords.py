"""Which words of a text are telling: by the texts, or by who chose what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gistrec.mllm.keywords import telling_words, togetherness

STYLES = ("rustic", "modern", "nordic", "classic")
FILLERS = ("posted", "wrapped", "stocked", "crated")


def shop(users: int, faithful: bool) -> tuple[list[str], sparse.csr_array]:
    """Texts with a style and a filler each; users who keep to one style, or to nothing."""
    rng = np.random.default_rng(0)
    styles, fillers = rng.integers(4, size=300), rng.integers(4, size=300)
    texts = [f"{STYLES[s]} {FILLERS[f]}" for s, f in zip(styles, fillers, strict=True)]
    chosen = np.zeros((users, 300), dtype=np.int8)
    for user in range(users):
        fits = np.flatnonzero(styles == user % 4) if faithful else np.arange(300)
        chosen[user, rng.choice(fits, 6, replace=False)] = 1
    return texts, sparse.csr_array(chosen)


def test_words_that_bring_choices_together_tell_more_than_those_that_split_as_well() -> None:
    texts, chosen = shop(200, faithful=True)
    assert all(len(words) == 2 for words in telling_words(texts, 2))  # either splits in three
    told = telling_words(texts, 2, chosen)
    assert told == [(text.split()[0],) for text in texts]


def test_where_no_word_brings_choices_together_the_texts_alone_decide() -> None:
    texts, chosen = shop(200, faithful=False)
    assert telling_words(texts, 2, chosen) == telling_words(texts, 2)
    nobody = sparse.csr_array((0, len(texts)), dtype=np.int8)
    assert telling_words(texts, 2, nobody) == telling_words(texts, 2)


def test_a_text_without_such_a_word_is_told_by_those_that_split() -> None:
    texts, chosen = shop(200, faithful=True)
    texts[0] = "wrapped"
    told = telling_words(texts, 2, chosen)
    assert told[0] == ("wrapped",)
    assert told[1] == (texts[1].split()[0],)


def test_togetherness_is_the_excess_of_pairs_in_standard_deviations() -> None:
    held = sparse.csr_array(np.repeat(np.eye(2, dtype=np.int8), 50, axis=0))  # a word each half
    rows = np.zeros((40, 100), dtype=np.int8)
    rows[:20, :4], rows[20:, 50:54] = 1, 1  # every user keeps to one half: 6 pairs each
    both, chance = 20 * 6, 40 * 6 / 4
    expected = (both - chance) / np.sqrt(chance)
    assert togetherness(held, sparse.csr_array(rows)) == pytest.approx([expected, expected])


@given(st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_togetherness_is_no_less_than_nothing_and_blind_to_the_order_of_users(
    users: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    held = sparse.csr_array((rng.random((12, 5)) < 0.4).astype(np.int8))
    chosen = (rng.random((users, 12)) < 0.5).astype(np.int8)
    found = togetherness(held, sparse.csr_array(chosen))
    assert found.shape == (5,)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    shuffled = sparse.csr_array(chosen[rng.permutation(users)])
    assert togetherness(held, shuffled) == pytest.approx(found)
