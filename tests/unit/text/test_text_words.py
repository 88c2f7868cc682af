import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.text.words import telling_words, tells


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "A striped blue kettle about rustic, oak.",
            ["striped", "blue", "kettle", "rustic", "oak"],
        ),
        ("Prefers blue, Striped, blue.", ["blue", "striped"]),
        ("blue mid-century c++ 1,200", ["blue", "mid-century", "c++", "1,200"]),
        ("a top of fire", ["top", "fire"]),
        ("blau und die Lampe", ["blau", "und", "die", "lampe"]),
        ("\u9752\u3001\u3084\u304b\u3093\u3002", ["\u9752", "\u3084\u304b\u3093"]),
        ("... ,;", []),
        ("", []),
    ],
)
def test_words_are_compared_without_case_marks_and_stop_words(line: str, words: list[str]) -> None:
    assert list(telling_words(line)) == words


def test_words_are_told_as_the_line_spells_them_first() -> None:
    assert telling_words('"Blue" BLUE Oak.') == {"blue": "Blue", "oak": "Oak"}


@given(st.text())
def test_what_is_told_stands_in_the_line_and_is_found_again(line: str) -> None:
    found = telling_words(line)
    assert all(said in line and word == said.casefold() for word, said in found.items())
    assert telling_words(" ".join(found.values())) == found


@given(st.lists(st.sampled_from(["red", "mug", "oak", "teapot"]), max_size=6))
def test_keywords_are_all_words(keywords: list[str]) -> None:
    assert list(telling_words(" ".join(keywords))) == list(dict.fromkeys(keywords))


def test_what_holds_no_word_of_its_own_tells_nothing() -> None:
    assert all(map(tells, ("A red chair.", "\u8d64\u3044\u6905\u5b50", "Likes 4K films")))
    assert not any(map(tells, ("", "a.", "A. A.", "4.", ",,,.", "Prefers the; also.")))
