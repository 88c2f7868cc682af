import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.answers import MOST_CHARACTERS, MOST_WORDS, keywords, sentence
from gistrec.mllm.prompts import listed

LISTS = {
    "red, sofa, dotted": ("red", "sofa", "dotted"),
    "Red Sofa, red sofa, Lamp.": ("red sofa", "lamp"),
    "1. Red\n2. Sofa\n3) Mid-century modern": ("red", "sofa", "mid-century modern"),
    "- red\n- sofa\n": ("red", "sofa"),
    "Keywords: red; sofa": ("red", "sofa"),
    "Here are the keywords of the image:\n* **red**\n* **sofa**": ("red", "sofa"),
    '["red", "sofa"]': ("red", "sofa"),
    "红色\uff0c沙发、灯": ("红色", "沙发", "灯"),
    "3D printer, 100% cotton, No. 5": ("3d printer", "100% cotton", "no. 5"),
    "none of us, imagine dragons": ("none of us", "imagine dragons"),
    "unknown pleasures, post punk": ("unknown pleasures", "post punk"),
}
OTHERS = (
    "",
    " ,\n, ",
    "I'm sorry, but I can't see an image.",
    "I\u2019m unable to help with that",
    "As an AI language model, I read text",
    "Sorry, no",
    "N/A",
    "None.",
    "No keywords",
    "The image shows a red sofa.",
    "This is a lamp",
    "It's a lamp",
    "red, a sofa that stands in a large bright room with dots",
    "这是一张红色沙发的图片" * 5,
    "red red red red",
)


@pytest.mark.parametrize("answer", LISTS)
def test_lists_in_many_forms(answer: str) -> None:
    assert keywords(answer, 6) == LISTS[answer]


@pytest.mark.parametrize("answer", OTHERS)
def test_what_is_no_list(answer: str) -> None:
    assert keywords(answer, 6) is None


def test_no_more_than_wanted_and_what_comes_after_does_not_matter() -> None:
    assert keywords("red, sofa, " + "very " * 30, 2) == ("red", "sofa")


def test_the_limits_themselves_are_within() -> None:
    words = " ".join("abcdefgh"[:MOST_WORDS])
    assert keywords(words, 1) == (words,)
    assert keywords(f"{words} z", 1) is None
    assert keywords("a" * MOST_CHARACTERS, 1) == ("a" * MOST_CHARACTERS,)
    assert keywords("a" * (MOST_CHARACTERS + 1), 1) is None


def test_a_keyword_that_was_cut_off_is_dropped() -> None:
    assert keywords("red, sofa, dot", 6, cut=True) == ("red", "sofa")
    assert keywords("red, sofa,", 6, cut=True) == ("red", "sofa")
    assert keywords("red, sofa, dot", 2, cut=True) == ("red", "sofa")
    assert keywords("red sofa and", 6, cut=True) is None


def test_a_keyword_with_a_broken_character_is_none() -> None:
    assert keywords("\ufffd 木の椅子, 赤, bott\ufffd plastic", 6) == ("赤",)
    assert keywords("\ufffd, red, sofa", 2) == ("red", "sofa")
    assert keywords("\ufffd 木の椅子", 6) is None


word = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=6)


@given(st.lists(word, min_size=1, max_size=8, unique=True))
def test_what_is_listed_is_read(words: list[str]) -> None:
    refusals = {"none", "na", "unknown", "sorry", "unfortunately"}
    if words[0] not in refusals:
        assert keywords(listed(words), len(words)) == tuple(words)


@given(
    answer=st.text(st.sampled_from("aAbB ,.;:\n\t\"'-*1()"), max_size=40),
    most=st.integers(0, 5),
    cut=st.booleans(),
)
def test_whatever_is_answered_is_read(answer: str, most: int, cut: bool) -> None:
    found = keywords(answer, most, cut)
    if found is not None:
        assert 1 <= len(found) <= most
        assert len(set(found)) == len(found)
        assert all(keyword == keyword.strip().lower() != "" for keyword in found)
        assert keywords(listed(found), most) is not None


SENTENCES = {
    "A red sofa with dots": "A red sofa with dots.",
    " A red\n sofa.  It is soft! ": "A red sofa. It is soft!",
    "Summary: A red sofa": "A red sofa.",
    "Here is a one-sentence description:\n- A red sofa.": "A red sofa.",
    "**Description:** \u201cA red sofa.\u201d": "A red sofa.",
    "red & blue - a sofa, as": "red blue a sofa, as.",
    "a b c d e f, g": "a b c d e f.",
    "\ufffd \u6728\u306e\u6905\u5b50\u3002": "\u6728\u306e\u6905\u5b50\u3002",
    "A note: soft as wool": "A note: soft as wool.",
    "The user's preference: rustic, red": "rustic, red.",
    "**Preferences now:** rustic": "rustic.",
    "Prefers red: a preference": "Prefers red: a preference.",
}
NO_SENTENCES = (
    "",
    " .\n- ",
    "I'm sorry, but I can't see an image.",
    "Summary: none",
    "No image",
    "red red red",
    "a sofa, Sofa, SOFA of wool",
    "\ufffd",
)


@pytest.mark.parametrize("answer", SENTENCES)
def test_sentences_in_many_forms(answer: str) -> None:
    assert sentence(answer, 6) == SENTENCES[answer]


@pytest.mark.parametrize("answer", NO_SENTENCES)
def test_what_is_no_sentence(answer: str) -> None:
    assert sentence(answer, 6) is None


def test_half_a_word_is_dropped_where_it_would_be_kept() -> None:
    assert sentence("a red so", 6, cut_off=True) == "a red."
    assert sentence("a red so", 2, cut_off=True) == "a red."
    assert sentence("\u8fd9\u662f\u4e00", 6, cut_off=True) == "\u8fd9\u662f\u4e00."


@given(
    answer=st.text(st.sampled_from("aAbB ,.;:\n\t\"'-*1()\ufffd"), max_size=40),
    most=st.integers(1, 5),
    cut=st.booleans(),
)
def test_whatever_is_answered_is_one_line(answer: str, most: int, cut: bool) -> None:
    found = sentence(answer, most, cut)
    if found is not None:
        assert 1 <= len(found.split()) <= most
        assert found == " ".join(found.split())
        assert "\ufffd" not in found
        assert any(map(str.isalnum, found))
