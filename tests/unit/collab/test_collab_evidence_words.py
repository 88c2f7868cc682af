import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.collab.evidence_words import evidence_lines
from gistrec.collab.told import Support, Told
from gistrec.mllm.prompts import Nouns, count_words, fixed_texts, place_words, support_words


def longs(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_lines_as_a_person_reads_them() -> None:
    told = Told(
        n_items=4000,
        offsets=longs(0, 2, 2, 3),
        shared=Support(longs(25, 0, 2), longs(7, 0, 1)),
        similar=Support(longs(3, 1, 0), longs(80, 1500, 0)),
        encoder=longs(2, 0, 2001),
        popularity=longs(211, 0, 1001),
    )
    assert evidence_lines(told) == [
        [
            "shared many top 10, alike few top 100, order top 3, popular top 300\n",
            "shared none, alike one top 3000, order unknown, popular unknown\n",
        ],
        [],
        ["shared few top 1, alike none, order rest, popular top 3000\n"],
    ]


def test_only_kinds_that_are_on_appear() -> None:
    told = Told(100, longs(0, 1), None, Support(longs(5), longs(4)), None, longs(9))
    assert evidence_lines(told) == [["alike some top 10, popular top 10\n"]]


@pytest.mark.parametrize(
    ("users", "word"),
    [(0, "none"), (1, "one"), (2, "few"), (4, "few"), (5, "some"), (19, "some"), (20, "many")],
)
def test_counts_in_words(users: int, word: str) -> None:
    assert count_words(users) == word


@pytest.mark.parametrize(
    ("place", "size", "words"),
    [
        (0, 10, "unknown"),
        (1, 1, "top 1"),
        (2, 9000, "top 3"),
        (3, 9000, "top 3"),
        (4, 9000, "top 10"),
        (3000, 9000, "top 3000"),
        (3001, 9000, "rest"),
        (50, 100, "top 100"),
        (51, 100, "rest"),
    ],
)
def test_places_in_words(place: int, size: int, words: str) -> None:
    assert place_words(place, size) == words


@given(numbers=st.tuples(*[st.integers(0, 9000)] * 6), n_items=st.sampled_from([3, 40, 700, 9000]))
def test_a_new_tokenizer_has_seen_every_word(numbers: tuple, n_items: int) -> None:
    users, place, alike_users, alike_place, order, popular = (longs(number) for number in numbers)
    told = Told(
        n_items,
        longs(0, 1),
        Support(users, place),
        Support(alike_users, alike_place),
        order,
        popular,
    )
    known = set(re.findall(r"\w+|\W", " ".join(fixed_texts(Nouns("item", "chose")))))
    ((line,),) = evidence_lines(told)
    assert set(re.findall(r"\w+|\W", line)) <= known


def test_who_is_not_supported_has_no_place_in_words() -> None:
    assert support_words(0, 0, 100) == "none"
    assert support_words(1, 2, 100) == "one top 3"
