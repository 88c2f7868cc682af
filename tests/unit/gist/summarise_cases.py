"""A small catalogue, and an engine that answers by rule."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import polars as pl

from gistrec.errors import EngineError
from gistrec.gist.asking import Catalogue
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.prompts import ItemImage

N_ITEMS = 7
WITHOUT_IMAGE, WITHOUT_TEXT, BARE = 2, 4, 5
PICTURED = sorted(set(range(N_ITEMS)) - {WITHOUT_IMAGE, BARE})
WHO = Answering("a model", None, "identity")


def make_catalogue() -> Catalogue:
    """Seven items, of which some lack an image, or words, or both."""
    titles = [f"title {code}" for code in range(N_ITEMS)]
    texts = ["red chair"] * N_ITEMS
    texts[1] = "green " * 400
    for code in (WITHOUT_TEXT, BARE):
        titles[code] = texts[code] = ""
    ids = pl.Series([f"i{code}" for code in range(N_ITEMS)])
    images = [bytes([code]) if code in PICTURED else b"" for code in range(N_ITEMS)]
    return Catalogue(ids, titles, texts, images)


class Scripted:
    """An engine that answers by rule, counts what it was asked, and may be interrupted."""

    name = "scripted"

    def __init__(self, rule: Callable[[Question], Answer], patience: int = 10**6) -> None:
        self.rule, self.patience = rule, patience
        self.asked: list[Question] = []

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        for number in reversed(range(len(questions))):
            if len(self.asked) == self.patience:
                raise EngineError("gone")
            self.asked.append(questions[number])
            yield number, self.rule(questions[number])

    def count(self, text: str) -> int:
        return len(text.split())


def words_of(question: Question) -> str:
    return "".join(part for part in question.segments if isinstance(part, str))


def code_of(question: Question) -> int | None:
    return next((part.code for part in question.segments if isinstance(part, ItemImage)), None)


def with_items(catalogue: Catalogue, titles: dict[int, str], images: dict[int, bytes]) -> Catalogue:
    """Some of its items with another title or image."""
    return replace(
        catalogue,
        titles=[titles.get(code, title) for code, title in enumerate(catalogue.titles)],
        images=[images.get(code, image) for code, image in enumerate(catalogue.images)],
    )
