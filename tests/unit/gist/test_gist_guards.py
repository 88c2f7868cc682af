import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.gist.guards import copying, lengths, repetition, sameness

GISTS = st.lists(st.lists(st.text("ab ", max_size=4), max_size=4), max_size=6)


def test_copied_are_keywords_that_stand_in_the_text_as_they_are() -> None:
    text = "Soft Wool-Gloves, for cold days"
    gists = [["wool gloves", "cold"], ["gloves wool", "warm"], ["glove"], ["cold", "warm"], []]
    assert copying(gists, [text] * 5).tolist() == [1, 0, 0, 0.5, 0]


def test_repeated_are_words_that_stood_before() -> None:
    gists = [["red sofa", "red lamp"], ["a", "b"], ["a a a a"], []]
    assert repetition(gists).tolist() == [1 / 4, 0, 3 / 4, 0]
    assert lengths(gists).tolist() == [2, 2, 1, 0]


def test_a_model_that_says_the_same_of_every_item_is_seen() -> None:
    same = sameness([["red"]] * 9 + [["blue", "red"]])
    assert same.most_frequent == 9 / 10
    assert same.distinct == 2 / 10
    assert same.distinct_keywords == 2 / 11
    other = sameness([["red"], ["blue"], []])
    assert (other.most_frequent, other.distinct, other.distinct_keywords) == (1 / 2, 1, 1)
    assert sameness([[], []]).distinct == 0


@given(GISTS)
def test_shares_are_shares(gists: list[list[str]]) -> None:
    same = sameness(gists)
    for share in (same.most_frequent, same.distinct, same.distinct_keywords):
        assert 0 <= share <= 1
    assert ((repetition(gists) >= 0) & (repetition(gists) < 1)).all()
    copied = copying(gists, [" ".join(gist) for gist in gists])
    for gist, share in zip(gists, copied.tolist(), strict=True):
        worded = [keyword for keyword in gist if keyword.strip()]
        assert share == pytest.approx(len(worded) / len(gist) if gist else 0)
