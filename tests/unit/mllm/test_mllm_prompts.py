import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.keywords import telling_words
from gistrec.mllm.prompts import ItemImage, Nouns, candidate, known_of_user, listed, parsed
from gistrec.mllm.shortening import shortened, text_question

words = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=8)
keywords = st.lists(words | st.builds("{} {}".format, words, words), max_size=8, unique=True)


@given(keywords=keywords)
def test_what_is_listed_is_parsed(keywords: list[str]) -> None:
    assert parsed(listed(keywords), len(keywords)) == tuple(keywords)


@given(answer=st.text(st.sampled_from("aAbB ,.;:\n\t\"'"), max_size=40), most=st.integers(0, 5))
def test_whatever_is_answered_is_parsed(answer: str, most: int) -> None:
    found = parsed(answer, most)
    assert len(found) <= most
    assert len(set(found)) == len(found)
    assert all(word == word.strip().lower() != "" for word in found)
    assert parsed(listed(found), most) == found


def test_answers_in_other_forms() -> None:
    assert parsed('Red, "Sofa",\nred ,, dotted.\n', 9) == ("red", "sofa", "dotted")
    assert parsed("a, b, c", 2) == ("a", "b")
    assert parsed(" \n , ", 9) == ()


def test_the_shared_part_is_in_order() -> None:
    nouns = Nouns("video", "watched")
    assert known_of_user(nouns, ["one", "two"], ["three"]) == [
        "A user watched in this order:\n",
        "one\n",
        "two\n",
        "Similar users watched next:\n",
        "three\n",
        "Does this video come next?\n",
    ]
    assert not any("Similar" in str(part) for part in known_of_user(nouns, ["one"], []))


def test_a_candidate_shows_what_it_has() -> None:
    assert candidate(4, "Lamp", "red, lamp") == [ItemImage(4), "Lamp\n", "red, lamp\n"]
    assert candidate(0, "", "") == [ItemImage(0)]
    assert candidate(None, "", "") == []


# --- telling words ---


def test_telling_words_split_the_collection() -> None:
    """`made` is in all, a maker in one: styles, in a sixth to a third of the texts, say most."""
    styles = ["rustic"] * 20 + ["modern"] * 15 + ["nordic"] * 10 + ["playful"] * 15
    texts = [f"made in style {style} by maker{row}x" for row, style in enumerate(styles)]
    assert telling_words(texts, 3) == [(style,) for style in styles]


def test_telling_words_of_few_texts_and_of_none() -> None:
    assert telling_words(["red sofa", "", "blue sofa"], 2) == [
        ("red", "sofa"),
        (),
        ("blue", "sofa"),
    ]
    assert telling_words(["", "12 3"], 2) == [(), ()]
    assert telling_words(["the of and"], 2) == [()]


@given(
    st.lists(
        st.lists(st.sampled_from(["red", "blue", "sofa", "lamp", "old"]), max_size=6), min_size=1
    )
)
def test_telling_words_are_words_of_the_text(held: list[list[str]]) -> None:
    for text, found in zip(held, telling_words([" ".join(text) for text in held], 2), strict=True):
        assert set(found) <= set(text)
        assert len(found) == min(2, len(set(text)))


# --- shortening ---


@given(text=st.text(st.sampled_from("ab \n"), max_size=40), most=st.integers(0, 45))
def test_shortened_is_the_longest_beginning_that_fits(text: str, most: int) -> None:
    found = shortened(text, lambda part: len(part) <= most)
    if len(text) <= most:
        assert found == text
        return
    assert len(found) <= most
    line = " ".join(text.split())
    assert line.startswith(found)
    following = line[len(found) :].split()
    if following and " " in line[: most + 1]:
        assert len(f"{found} {following[0]}".strip()) > most


def test_a_script_without_spaces_is_cut_within() -> None:
    assert shortened("这是一个很长的标题", lambda part: len(part) <= 4) == "这是一个"


@pytest.mark.parametrize(
    "whole", ["か\u3099", "e\u0301", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f"]
)
def test_no_text_is_cut_within_a_character(whole: str) -> None:
    for most in range(3 * len(whole)):
        found = shortened(whole * 3, lambda part, most=most: len(part) <= most)
        assert found == whole * (most // len(whole))


def test_a_long_text_is_shortened_and_a_title_kept(tiny_backbone: Backbone) -> None:
    whole = text_question(tiny_backbone, "red sofa", "blue lamp " * 3, 200)
    assert whole == tiny_backbone.question(
        ["red sofa\n" + "blue lamp " * 3 + "\n", "Keywords of the text:"]
    )
    most = 40
    frame = len(tiny_backbone.question([]).ids)
    cut = text_question(tiny_backbone, "red sofa", "blue lamp " * 90, most)
    words = tiny_backbone.processor.tokenizer.decode(cut.ids)
    assert most - 3 <= len(cut.ids) - frame <= most
    assert "red sofa" in words
    assert words.endswith("keywords of the text:<end_of_utterance><assistant>")
    title = text_question(tiny_backbone, "red " * 500, "blue", most)
    assert len(title.ids) <= most + len(tiny_backbone.question(["\n", "Keywords of the text:"]).ids)
