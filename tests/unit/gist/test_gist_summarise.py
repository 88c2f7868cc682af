import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.errors import EngineError
from gistrec.gist import summarise as module
from gistrec.gist.summarise import Catalogue, summarise
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.prompts import ItemImage
from gistrec.mllm.shortening import text_question
from gistrec.mllm.training import Course, Lessons, train
from gistrec.mllm.vision.features import ImageFeatures

N_ITEMS = 7
WITHOUT_IMAGE, WITHOUT_TEXT, BARE = 2, 4, 5
PICTURED = sorted(set(range(N_ITEMS)) - {WITHOUT_IMAGE, BARE})
SEEN, READ = "red, sofa, dotted", "blue, lamp, plain, item"
CONFIG = GistConfig(max_new_tokens=12, max_text_tokens=60)


@pytest.fixture(scope="module")
def features() -> ImageFeatures:
    table = torch.randn(N_ITEMS, 4, 32, generator=torch.Generator().manual_seed(0))
    return ImageFeatures.held(N_ITEMS, {code: ((2, 2), table[code][None]) for code in PICTURED})


@pytest.fixture(scope="module")
def catalogue(features: ImageFeatures) -> Catalogue:
    titles = [f"title {code}" for code in range(N_ITEMS)]
    texts = ["red chair"] * N_ITEMS
    texts[1] = "green " * 400
    for code in (WITHOUT_TEXT, BARE):
        titles[code] = texts[code] = ""
    ids = pl.Series([f"i{code}" for code in range(N_ITEMS)])
    return Catalogue(ids, titles, texts, features.__contains__)


@pytest.fixture(scope="module")
def parrot(
    tiny_backbone: Backbone, catalogue: Catalogue, features: ImageFeatures
) -> Callable[[int], LocalEngine]:
    """Taught one answer to a question about an image and another to one about a text."""
    backbone = make_backbone(copy.deepcopy(tiny_backbone.model), tiny_backbone.processor)
    lessons = [
        Lesson(backbone.question(prompts.image_keywords(0), features.grid), backbone.answer(SEEN)),
        *(
            Lesson(text_question(backbone, title, text, CONFIG.max_text_tokens), answer)
            for title, text in zip(catalogue.titles[:2], catalogue.texts[:2], strict=True)
            for answer in [backbone.answer(READ)]
        ),
    ]

    def loss(place: int) -> torch.Tensor:
        picture = features.of([PICTURED[place % len(PICTURED)]], backbone.device)
        return lesson_loss(backbone, lessons, picture)

    course = Course(epochs=1, learning_rate=5e-3)
    train(backbone.model, Lessons("parrot", lambda _: range(60), loss), course, None, "")
    return lambda batch_size: LocalEngine(backbone, features, batch_size)


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


def lists(gists: pl.DataFrame, column: str) -> list[list[str]]:
    return gists[column].to_list()


def test_each_modality_is_asked_for_what_the_item_has(
    parrot: Callable[[int], LocalEngine], catalogue: Catalogue, tmp_path: Path
) -> None:
    summary = summarise(parrot(3), catalogue, CONFIG, tmp_path / "journal")
    gists = summary.gists
    assert gists.columns == [
        schema.ITEM_ID,
        schema.IMAGE_KEYWORDS,
        schema.TEXT_KEYWORDS,
        schema.IMAGE_VALID,
        schema.TEXT_VALID,
    ]
    assert gists[schema.ITEM_ID].to_list() == catalogue.item_ids.to_list()
    unseen, unread = (WITHOUT_IMAGE, BARE), (WITHOUT_TEXT, BARE)
    assert lists(gists, schema.IMAGE_KEYWORDS) == [
        [] if code in unseen else SEEN.split(", ") for code in range(N_ITEMS)
    ]
    assert lists(gists, schema.TEXT_KEYWORDS) == [
        [] if code in unread else READ.split(", ") for code in range(N_ITEMS)
    ]
    for column, missing in ((schema.IMAGE_VALID, unseen), (schema.TEXT_VALID, unread)):
        assert gists[column].to_list() == [
            None if code in missing else True for code in range(N_ITEMS)
        ]
    assert summary.asked_again == 0


@pytest.mark.parametrize(("image", "text"), [(0, 2), (2, 0), (0, 0), (1, 3)])
def test_no_more_keywords_than_asked_for(
    image: int,
    text: int,
    parrot: Callable[[int], LocalEngine],
    catalogue: Catalogue,
    tmp_path: Path,
) -> None:
    config = CONFIG.model_copy(update={"image_keywords": image, "text_keywords": text})
    gists = summarise(parrot(3), catalogue, config, tmp_path / "journal").gists
    assert lists(gists, schema.IMAGE_KEYWORDS)[0] == SEEN.split(", ")[:image]
    assert lists(gists, schema.TEXT_KEYWORDS)[0] == READ.split(", ")[:text]
    assert gists[schema.IMAGE_VALID][0] == (True if image else None)


def test_the_same_in_any_batch_and_any_portion(
    parrot: Callable[[int], LocalEngine],
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = summarise(parrot(3), catalogue, CONFIG, tmp_path / "whole").gists
    assert_frame_equal(summarise(parrot(1), catalogue, CONFIG, tmp_path / "singly").gists, whole)
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    assert_frame_equal(summarise(parrot(2), catalogue, CONFIG, tmp_path / "three").gists, whole)


def test_what_is_no_list_is_asked_again_once(catalogue: Catalogue, tmp_path: Path) -> None:
    """Item 0 comes round when it is asked firmly, item 1 never does, item 3's list is cut."""

    def rule(question: Question) -> Answer:
        firm = "nothing else" in words_of(question)
        match code_of(question):
            case 0:
                return Answer("red, sofa" if firm else "I'm sorry, I cannot see it.", False)
            case 1:
                return Answer("The image shows a sofa.", False)
            case 3:
                return Answer("red, sofa, dot", True)
            case _:
                return Answer("lamp", False)

    engine = Scripted(rule)
    summary = summarise(engine, catalogue, CONFIG, tmp_path / "journal")
    kept = lists(summary.gists, schema.IMAGE_KEYWORDS)
    assert [kept[code] for code in (0, 1, 3)] == [["red", "sofa"], [], ["red", "sofa"]]
    assert summary.gists[schema.IMAGE_VALID].to_list() == [
        True,
        False,
        None,
        True,
        True,
        None,
        True,
    ]
    assert summary.gists[schema.TEXT_VALID].drop_nulls().all()
    assert summary.asked_again == 2
    images, texts = N_ITEMS - 2, N_ITEMS - 2
    assert len(engine.asked) == images + texts + 2
    firm = [question for question in engine.asked if "nothing else" in words_of(question)]
    assert sorted(map(str, map(code_of, firm))) == ["0", "1"]
    assert all("at most 6 keywords" in words_of(question) for question in firm)


def test_a_text_is_asked_again_about_the_same_text(catalogue: Catalogue, tmp_path: Path) -> None:
    engine = Scripted(lambda question: Answer("" if code_of(question) is None else "lamp", False))
    summary = summarise(engine, catalogue, CONFIG, tmp_path / "journal")
    assert summary.gists[schema.TEXT_VALID].to_list() == [
        None if code in (WITHOUT_TEXT, BARE) else False for code in range(N_ITEMS)
    ]
    once, again = [words_of(one) for one in engine.asked if "title 0" in words_of(one)]
    shown = once.removesuffix(prompts.TEXT_KEYWORDS_QUESTION)
    assert again.startswith(shown)
    assert again.endswith(prompts.TEXT_KEYWORDS_QUESTION)


@pytest.mark.parametrize("at_once", [3, 100])
def test_whoever_is_interrupted_asks_for_no_answer_twice(
    at_once: int, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", at_once)

    def rule(question: Question) -> Answer:
        return Answer("nothing?" if code_of(question) == 1 else words_of(question)[:9], False)

    whole = Scripted(rule)
    expected = summarise(whole, catalogue, CONFIG, tmp_path / "whole").gists
    asked: list[Question] = []
    for patience in (4, 3, 5):
        engine = Scripted(rule, patience)
        try:
            gists = summarise(engine, catalogue, CONFIG, tmp_path / "journal").gists
        except EngineError:
            gists = None
        asked += engine.asked
    assert gists is not None
    assert_frame_equal(gists, expected)
    assert sorted(map(str, asked)) == sorted(map(str, whole.asked))
    done = Scripted(rule)
    assert_frame_equal(summarise(done, catalogue, CONFIG, tmp_path / "journal").gists, expected)
    assert done.asked == []


def test_no_question_is_longer_than_its_budget(catalogue: Catalogue, tmp_path: Path) -> None:
    """The item with 400 words is shortened to the budget, as its engine counts tokens."""
    engine = Scripted(lambda _: Answer("lamp", False))
    summarise(engine, catalogue, CONFIG, tmp_path / "journal")
    counts = [engine.count(words_of(question)) for question in engine.asked]
    assert max(counts) == CONFIG.max_text_tokens
    assert sum(code_of(question) is not None for question in engine.asked) == N_ITEMS - 2
