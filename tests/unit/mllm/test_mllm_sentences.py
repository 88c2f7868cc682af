from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.sentences import described, joined, summarised, taste_told
from gistrec.mllm.word_cuts import cut, evenly, words_in

SEEN, READ = ("striped", "blue", "kettle"), ("rustic", "oak", "handmade")
word = st.text(st.sampled_from("bcdf"), min_size=1, max_size=6)  # no article, no "about"
words = st.lists(word, max_size=6, unique=True)
few = st.integers(1, 20)


def test_what_an_image_shows() -> None:
    told = [described(SEEN, most) for most in (9, 4, 3, 2, 1)]
    assert told == [
        "A striped blue kettle.",
        "A striped blue kettle.",
        "Striped blue kettle.",
        "Blue kettle.",
        "Kettle.",
    ]
    assert described(("orange", "sofa"), 5) == "An orange sofa."


def test_what_a_text_is_about_and_a_user_prefers() -> None:
    assert [summarised(READ, most) for most in (9, 3, 1)] == [
        "About rustic, oak, handmade.",
        "About rustic, oak.",
        "Rustic.",
    ]
    tastes = [taste_told(("blue", "striped"), ("rustic", "kettle"), most) for most in (6, 5, 4, 2)]
    assert tastes == [
        "Prefers blue, striped; also rustic, kettle.",
        "Prefers blue, striped; also rustic.",
        "Prefers blue, striped.",
        "Prefers blue.",
    ]
    assert taste_told((), ("rustic", "kettle"), 6) == "Perhaps rustic, kettle."


def test_both_sides_lose_words_evenly() -> None:
    told = [joined(SEEN, READ, most) for most in (8, 7, 5, 3, 2, 1)]
    assert told == [
        "A striped blue kettle about rustic, oak, handmade.",
        "Striped blue kettle about rustic, oak, handmade.",
        "Blue kettle about rustic, oak.",
        "Kettle about rustic.",
        "Blue kettle.",
        "Kettle.",
    ]
    assert joined(("blue", "kettle"), ("kettle", "oak"), 9) == "A blue kettle about oak."
    assert joined((), READ, 3) == "About rustic, oak."
    assert joined(SEEN, (), 4) == "A striped blue kettle."


@pytest.mark.parametrize("told", [described, summarised])
@given(said=words, most=few)
def test_never_too_long_and_never_empty(
    told: Callable[[Sequence[str], int], str], said: list[str], most: int
) -> None:
    sentence = told(said, most)
    assert len(sentence.split()) <= most
    assert bool(sentence) == bool(said)


@given(firm=words, faint=words, most=few)
def test_a_taste_is_never_too_long_nor_empty(firm: list[str], faint: list[str], most: int) -> None:
    sentence = taste_told(firm, faint, most)
    assert len(sentence.split()) <= most
    assert bool(sentence) == bool(firm or faint)


@given(seen=words, read=words, most=few)
def test_a_joined_sentence_is_even(seen: list[str], read: list[str], most: int) -> None:
    sentence = joined(seen, read, most)
    assert len(sentence.split()) <= most
    assert bool(sentence) == bool(seen or read)
    said = [part.strip(".,").lower() for part in sentence.split()]
    other = [one for one in read if one not in seen]
    if most >= 3 and seen and other:
        opening, closing = said[: said.index("about")], said[said.index("about") + 1 :]
        image = len(opening) - (opening[0] in ("a", "an"))
        assert closing == other[: len(closing)]
        assert abs(image - len(closing)) <= 1 or image == len(seen) or len(closing) == len(other)


@given(st.text(st.sampled_from("aB1 ,.;-\n\u3002"), max_size=40), st.integers(0, 8))
def test_a_sentence_is_cut_between_words(text: str, most: int) -> None:
    line = cut(text, most)
    assert len(line.split()) <= most
    assert bool(line) == bool(words_in(text) and most)
    assert "\n" not in line
    assert not line or line.endswith((".", "\u3002"))
    bare = [one.strip(",.;-\u3002") for one in words_in(text)[:most]]
    assert [one.strip(",.;-\u3002") for one in line.split()] == bare
    assert cut(line, most) == line


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40))
def test_even_shares(first: int, second: int, most: int) -> None:
    kept, other = evenly(first, second, most)
    assert 0 <= kept <= first
    assert 0 <= other <= second
    assert kept + other == min(most, first + second)
    assert abs(kept - other) <= 1 or kept == first or other == second
