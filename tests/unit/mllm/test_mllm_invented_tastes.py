"""Lessons in tastes: the rule, its forms, and what the prompts of told users hold."""

import re
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.invented import Pictures, told_rows
from gistrec.mllm.invented_items import Goods, InventedItem
from gistrec.mllm.invented_tastes import (
    Preference,
    asked_words,
    invented_taste,
    preference_after,
    taste_lessons,
)
from gistrec.mllm.primer import primer_parts, primer_words
from gistrec.mllm.prompts import Nouns
from gistrec.mllm.word_cuts import words_in

NOUNS = Nouns("video", "watched")
TOLD = [("rustic", "cork"), ("modern", "wool"), ("nordic",)]
WORDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


def test_what_comes_again_is_firm_and_what_does_not_fades() -> None:
    before = Preference(("blue", "lamp"), ("cork", "oak"))
    # blue 1.25 + 0.9, lamp 1.25, cork 0.8, oak 0.8 + 1, red 1, sofa 0.9.
    found = preference_after(before, [["blue", "sofa"], ["oak", "red"]], 12)
    assert found == Preference(("blue", "oak"), ("cork", "lamp", "red", "sofa"))
    # Two words are the frame's: what weighs least has no room.
    assert preference_after(before, [["blue", "sofa"], ["oak", "red"]], 6) == Preference(
        ("blue", "oak"), ("lamp", "red")
    )
    assert preference_after(Preference(), [["red"]], 12) == Preference((), ("red",))


@given(before=WORDS, items=st.lists(WORDS, max_size=5), most=st.integers(1, 12))
def test_every_word_is_told_once_and_none_is_made_up(
    before: list[str], items: list[list[str]], most: int
) -> None:
    half = len(before) // 2
    said = Preference(tuple(before[:half]), tuple(before[half:]))
    found = preference_after(said, items, most)
    told = [*found.firm, *found.faint]
    assert len(set(told)) == len(told) <= max(0, most - 2)
    assert set(told) <= {*before, *(word for words in items for word in words)}
    assert len(words_in(found.told(most))) <= most


@given(items=st.lists(WORDS, min_size=1, max_size=5), word=st.sampled_from("abcdefgh"))
def test_a_word_chosen_once_more_is_told_where_it_was(items: list[list[str]], word: str) -> None:
    told = preference_after(Preference(), items, 8)
    more = preference_after(Preference(), [*items[:-1], [*items[-1], word]], 8)
    assert (word in told.firm) <= (word in more.firm)
    assert (word in told.faint) <= (word in {*more.firm, *more.faint})


def test_a_taste_is_told_in_so_many_words() -> None:
    items = [InventedItem(("kettle", "blue", "striped"), ("rustic", "oak"))] * 4
    assert invented_taste(items, 7) == "Prefers blue, kettle, oak, rustic, striped."
    assert invented_taste(items, 4) == "Prefers blue, kettle."
    assert invented_taste(items[:1], 5) == "Perhaps blue, kettle, oak."


def lines(backbone: Backbone, ids: Sequence[int]) -> list[str]:
    text = str(backbone.processor.tokenizer.decode(ids, skip_special_tokens=True))
    return [line.strip() for line in text.split("\n")]


@pytest.mark.parametrize("in_sentences", [False, True])
@pytest.mark.parametrize("texts", [TOLD, []])
def test_lessons_ask_for_a_preference_of_known_words(
    texts: list[tuple[str, ...]], in_sentences: bool, tiny_backbone: Backbone
) -> None:
    known = {*primer_words(), *(word for told in texts for word in told)}
    known |= {"prefers", "perhaps", "also"}
    sizes, sentences, befores = [], 0, 0
    lessons = taste_lessons(tiny_backbone, NOUNS, Goods(texts), in_sentences, 120, [0, 0])
    for lesson in lessons:
        *shown, asked = lines(tiny_backbone, lesson.question.ids)
        (answer,) = lines(tiny_backbone, lesson.answer.ids)
        most = int(asked.split("at most ")[1].split()[0])
        words = answer.removesuffix(".").replace(",", " ").replace(";", " ").split()
        assert 6 <= most <= 24
        assert 4 <= len(words) <= most
        assert len(set(words)) == len(words)
        assert set(words) <= known
        assert words[0] in ("prefers", "perhaps")
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
        return taste_lessons(tiny_backbone, NOUNS, Goods(TOLD), True, count, [seed, 0])

    assert some(1) == some(1) != some(2)
    assert some(1, 0) == []


def test_told_users_have_a_taste_with_a_history_or_without(tiny_backbone: Backbone) -> None:
    """The first candidate shares more words with the taste than the others do."""
    shared, with_history, with_nearby = [0.0, 0.0], 0, 0
    rows = told_rows(
        tiny_backbone, NOUNS, Goods(TOLD), Pictures.of([], lambda _: (0, 0), 0.7), 200, [0, 0]
    )
    for row in rows:
        taste, *others = lines(tiny_backbone, row.prefix.ids)
        assert taste.startswith("the user's preference: p")
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


def test_most_told_users_are_shown_their_candidates(tiny_backbone: Backbone) -> None:
    """The first candidate's drawing shows more of what the taste says than the others' do."""
    captions = list(product(*primer_parts()))
    pictures = Pictures.of(captions, lambda _: (2, 2), 0.7)
    rows = told_rows(tiny_backbone, NOUNS, Goods(TOLD), pictures, 200, [0, 0])
    shown = [row for row in rows if row.branches[0].images]
    assert 0.6 < len(shown) / len(rows) < 0.8
    fits = [0.0, 0.0]
    for row in shown:
        told = set(re.findall(r"[a-z]+", lines(tiny_backbone, row.prefix.ids)[0]))
        likeness = [len(told.intersection(captions[one.codes[0]])) for one in row.branches]
        assert all(len(one.codes) == 1 for one in row.branches)
        fits[0] += likeness[0] / len(shown)
        fits[1] += sum(likeness[1:]) / 4 / len(shown)
    assert fits[0] > fits[1] + 0.5


def test_a_picture_shows_just_what_is_asked_where_there_is_one() -> None:
    pictures = Pictures.of(
        [("sofa", "red"), ("lamp", "blue"), ("sofa", "red")], lambda _: (1, 1), 0.7
    )
    rng = np.random.default_rng(0)
    assert {pictures.like(("sofa", "red"), rng) for _ in range(40)} == {0, 2}
    assert {pictures.like(("boat", "red"), rng) for _ in range(60)} == {0, 1, 2}


def test_how_many_words_are_asked_for_varies() -> None:
    rng = np.random.default_rng(0)
    assert {asked_words(rng) for _ in range(300)} == set(range(6, 25))
