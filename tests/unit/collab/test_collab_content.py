from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gistrec.collab.content as content_module
from gistrec.collab.content import alike_items
from gistrec.text.encoder import open_sentence_encoder

TEXTS = ["red sofa", "", "red sofa with legs", "blue lamp", "blue lamp of glass", "..."]


class Numbers:
    """Texts of two numbers as directions; an empty text has none."""

    name = "numbers"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.array(
            [[float(word) for word in text.split()] or [0.0, 0.0] for text in texts],
            dtype=np.float32,
        )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-9)


def test_texts_alike_find_each_other_and_texts_without_words_nobody() -> None:
    alike = alike_items(TEXTS, open_sentence_encoder("lsa", TEXTS), 1).toarray()
    assert alike.dtype == np.bool_
    assert [np.flatnonzero(row).tolist() for row in alike] == [[2], [], [0], [4], [3], []]


def angles(degrees: list[float]) -> list[str]:
    return [f"{np.cos(np.radians(angle))} {np.sin(np.radians(angle))}" for angle in degrees]


def test_the_nearest_by_cosine_and_as_many_as_there_are() -> None:
    texts = angles([0, 10, 25, 90, 100])
    two = alike_items(texts, Numbers(), 2).toarray()
    assert [np.flatnonzero(row).tolist() for row in two] == [[1, 2], [0, 2], [0, 1], [2, 4], [2, 3]]
    assert (alike_items(texts, Numbers(), 9).toarray() == ~np.eye(5, dtype=bool)).all()


@given(
    degrees=st.lists(st.integers(0, 359) | st.none(), min_size=1, max_size=12),
    count=st.integers(1, 5),
)
def test_never_itself_and_never_more(degrees: list, count: int) -> None:
    """Also among equal texts, where an item need not be among its own nearest."""
    texts = ["" if angle is None else angles([angle])[0] for angle in degrees]
    told = sum(text != "" for text in texts)
    alike = alike_items(texts, Numbers(), count).toarray()
    assert not alike.diagonal().any()
    expected = [min(count, told - 1) if text else 0 for text in texts]
    assert alike.sum(axis=1).tolist() == expected


def test_chunks_of_any_size_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = angles(np.random.default_rng(0).uniform(0, 360, 30).tolist())
    whole = alike_items(texts, Numbers(), 4).toarray()
    monkeypatch.setattr(content_module, "_CHUNK", 7)
    np.testing.assert_array_equal(alike_items(texts, Numbers(), 4).toarray(), whole)


def test_no_text_has_words() -> None:
    texts = ["", "."]
    assert alike_items(texts, open_sentence_encoder("lsa", texts), 3).nnz == 0
