"""Lessons in tastes: the rule, its forms, and what the prompts of told users hold."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.invented import told_rows
from gistrec.mllm.invented_items import InventedItem
from gistrec.mllm.invented_tastes import asked_words, invented_taste, taste_lessons, words_after
from gistrec.mllm.primer import primer_words
from gistrec.mllm.prompts import Nouns

NOUNS = Nouns("video", "watched")
TOLD = [("rustic", "cork"), ("modern", "wool"), ("nordic",)]
WORDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


def test_a_preference_fades_and_what_is_chosen_comes_up() -> None:
    # Before: 3, 2.7, 2.43. Of the items: 1 of the latest, 0.9 of the one before.
    assert words_after(["blue", "lamp", "oak"], [["oak", "red"], ["oak", "sofa"]]) == [
        "oak",  # 2.43 + 1 + 0.9
        "blue",  # 3
        "lamp",  # 2.7
        "sofa",  # 1
        "red",  # 0.9
    ]
    assert words_after([], [["red", "sofa"], ["red", "lamp"]]) == ["red", "lamp", "sofa"]


@given(before=WORDS, items=st.lists(WORDS, max_size=5))
def test_every_word_is_told_once_and_none_is_made_up(
    before: list[str], items: list[list[str]]
) -> None:
    found = words_after(before, items)
    assert Counter(found) == Counter({*before, *(word for words in items for word in words)})
    assert words_after(before, []) == before


@given(
    before=WORDS, items=st.lists(WORDS, min_size=1, max_size=5), word=st.sampled_from("abcdefgh")
)
def test_a_word_chosen_once_more_never_falls(
    before: list[str], items: list[list[str]], word: str
) -> None:
    if word not in {*before, *(other for words in items for other in words)}:
        return
    place = words_after(before, items).index(word)
    more = [*items[:-1], [*items[-1], word]]
    assert words_after(before, more).index(word) <= place


def test_a_taste_is_told_in_so_many_words() -> None:
    items = [InventedItem(("kettle", "blue", "striped"), ("rustic", "oak"))] * 4
    assert invented_taste(items, 6) == "Prefers kettle, blue, striped, rustic, oak."
    assert invented_taste(items, 3) == "Prefers kettle, blue."


def lines(backbone: Backbone, ids: Sequence[int]) -> list[str]:
    text = str(backbone.processor.tokenizer.decode(ids, skip_special_tokens=True))
    return [line.strip() for line in text.split("\n")]


@pytest.mark.parametrize("in_sentences", [False, True])
@pytest.mark.parametrize("texts", [TOLD, []])
def test_lessons_ask_for_a_preference_of_known_words(
    texts: list[tuple[str, ...]], in_sentences: bool, tiny_backbone: Backbone
) -> None:
    known = {*primer_words(), *(word for told in texts for word in told), "prefers"}
    sizes, sentences, befores = [], 0, 0
    lessons = taste_lessons(tiny_backbone, NOUNS, texts, in_sentences, 120, [0, 0])
    for lesson in lessons:
        *shown, asked = lines(tiny_backbone, lesson.question.ids)
        (answer,) = lines(tiny_backbone, lesson.answer.ids)
        most = int(asked.split("at most ")[1].split()[0])
        words = answer.removesuffix(".").replace(",", " ").split()
        assert 6 <= most <= 16
        assert 4 <= len(words) <= most
        assert len(set(words)) == len(words)
        assert set(words) <= known
        assert words[0] == "prefers"
        heading = next(place for place, line in enumerate(shown) if "watched" in line)
        befores += heading > 0
        items = shown[heading + 1 :]
        sizes.append(len(items))
        sentences += items[0].endswith(".")
    assert min(sizes) == 1
    assert 9 <= max(sizes) <= 16
    assert sentences == (60 if in_sentences else 0)
    assert 0.5 < befores / len(lessons) < 0.9


def test_lessons_are_decided_by_their_seed(tiny_backbone: Backbone) -> None:
    def some(seed: int, count: int = 5) -> object:
        return taste_lessons(tiny_backbone, NOUNS, TOLD, True, count, [seed, 0])

    assert some(1) == some(1) != some(2)
    assert some(1, 0) == []


def test_told_users_have_a_taste_with_a_history_or_without(tiny_backbone: Backbone) -> None:
    """The first candidate shares more words with the taste than the others do."""
    shared, with_history, with_nearby = [0.0, 0.0], 0, 0
    rows = told_rows(tiny_backbone, NOUNS, TOLD, 200, [0, 0])
    for row in rows:
        taste, *others = lines(tiny_backbone, row.prefix.ids)
        assert taste.startswith("the user's preference: prefers ")
        with_history += "a user watched in this order:" in others
        with_nearby += "similar users watched next:" in others
        told = set(taste.removesuffix(".").replace(",", " ").split())
        words = [set(" ".join(lines(tiny_backbone, one.ids)).split()) for one in row.branches]
        likeness = [len(told & candidate) for candidate in words]
        assert len(likeness) == 5
        shared[0] += likeness[0] / len(rows)
        shared[1] += sum(likeness[1:]) / 4 / len(rows)
    assert shared[0] > shared[1] + 0.5
    assert 0.3 < with_history / len(rows) < 0.7
    assert 0.3 < with_nearby / len(rows) < 0.7


def test_how_many_words_are_asked_for_varies() -> None:
    rng = np.random.default_rng(0)
    assert {asked_words(rng) for _ in range(300)} == set(range(6, 17))
