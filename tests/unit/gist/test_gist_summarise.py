import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from summarise_cases import (
    BARE,
    N_ITEMS,
    PICTURED,
    WHO,
    WITHOUT_IMAGE,
    WITHOUT_TEXT,
    Scripted,
    code_of,
    make_catalogue,
    with_items,
    words_of,
)

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.errors import EngineError
from gistrec.gist.asking import Catalogue
from gistrec.gist.summarise import summarise
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.engines import asked as module
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.engines.told import Told, with_shares
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.shortening import text_question
from gistrec.mllm.training import Course, Lessons, train
from gistrec.mllm.vision.features import ImageFeatures

SEEN, READ = "red, sofa, dotted", "blue, lamp, plain, item"
CONFIG = GistConfig(max_new_tokens=12, max_text_tokens=60)


@pytest.fixture(scope="module")
def features() -> ImageFeatures:
    table = torch.randn(N_ITEMS, 4, 32, generator=torch.Generator().manual_seed(0))
    return ImageFeatures.held(N_ITEMS, {code: ((2, 2), table[code][None]) for code in PICTURED})


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return make_catalogue()


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


class Slow(Scripted):
    """Answers come in batches."""

    def __init__(self, rule: Callable[[Question], Answer], batch: int) -> None:
        super().__init__(rule)
        self.batch = batch

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        for number, question in enumerate(questions):
            if number % self.batch == 0:
                time.sleep(0.02)
            yield number, self.rule(question)


def assert_same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """But for what they took."""
    assert_frame_equal(found.drop(schema.SECONDS), expected.drop(schema.SECONDS))


def lists(gists: pl.DataFrame, column: str) -> list[list[str]]:
    return gists[column].to_list()


def test_each_modality_is_asked_for_what_the_item_has(
    parrot: Callable[[int], LocalEngine], catalogue: Catalogue, tmp_path: Path
) -> None:
    summary = summarise(parrot(3), catalogue, CONFIG, tmp_path / "journal", WHO)
    gists = summary.gists
    assert gists.columns == [
        schema.ITEM_ID,
        schema.IMAGE_KEYWORDS,
        schema.TEXT_KEYWORDS,
        schema.IMAGE_SENTENCE,
        schema.TEXT_SENTENCE,
        schema.SUMMARY,
        schema.IMAGE_VALID,
        schema.TEXT_VALID,
        schema.SUMMARY_VALID,
        schema.MODEL,
        schema.ADAPTER,
        schema.PROMPT_VERSION,
        schema.SECONDS,
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
    gists = summarise(parrot(3), catalogue, config, tmp_path / "journal", WHO).gists
    assert lists(gists, schema.IMAGE_KEYWORDS)[0] == SEEN.split(", ")[:image]
    assert lists(gists, schema.TEXT_KEYWORDS)[0] == READ.split(", ")[:text]
    assert gists[schema.IMAGE_VALID][0] == (True if image else None)


def test_the_same_in_any_batch_and_any_portion(
    parrot: Callable[[int], LocalEngine],
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = summarise(parrot(3), catalogue, CONFIG, tmp_path / "whole", WHO).gists
    assert_same(summarise(parrot(1), catalogue, CONFIG, tmp_path / "singly", WHO).gists, whole)
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    assert_same(summarise(parrot(2), catalogue, CONFIG, tmp_path / "three", WHO).gists, whole)


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
    summary = summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO)
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
    summary = summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO)
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
    expected = summarise(whole, catalogue, CONFIG, tmp_path / "whole", WHO).gists
    asked: list[Question] = []
    for patience in (4, 3, 5):
        engine = Scripted(rule, patience)
        try:
            gists = summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO).gists
        except EngineError:
            gists = None
        asked += engine.asked
    assert gists is not None
    assert_same(gists, expected)
    assert sorted(map(str, asked)) == sorted(map(str, whole.asked))
    done = Scripted(rule)
    assert_same(summarise(done, catalogue, CONFIG, tmp_path / "journal", WHO).gists, expected)
    assert done.asked == []


def test_no_question_is_longer_than_its_budget(catalogue: Catalogue, tmp_path: Path) -> None:
    """The item with 400 words is shortened to the budget, as its engine counts tokens."""
    engine = Scripted(lambda _: Answer("lamp", False))
    summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO)
    counts = [engine.count(words_of(question)) for question in engine.asked]
    assert max(counts) == CONFIG.max_text_tokens
    assert sum(code_of(question) is not None for question in engine.asked) == N_ITEMS - 2


def lamp(question: Question) -> Answer:
    return Answer(f"lamp, {words_of(question)[:7]}", False)


def test_only_what_is_new_or_changed_is_asked(catalogue: Catalogue, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    before = summarise(Slow(lamp, batch=1), catalogue, CONFIG, earlier, WHO)
    kept = earlier.read_bytes()
    changed = with_items(catalogue, {3: "another"}, {0: b"another image", 6: b""})
    changed = Catalogue(
        pl.concat([changed.item_ids, pl.Series(["new"])]),
        [*changed.titles, "new"],
        [*changed.texts, ""],
        [*changed.images, b"new image"],
    )
    engine = Scripted(lamp)
    now = summarise(engine, changed, CONFIG, tmp_path / "now", WHO, earlier)
    assert sorted(
        (code_of(one), words_of(one)[:7]) for one in engine.asked if code_of(one) is not None
    ) == [
        (0, prompts.IMAGE_KEYWORDS_QUESTION[:7]),
        (N_ITEMS, prompts.IMAGE_KEYWORDS_QUESTION[:7]),
    ]
    assert sorted(words_of(one).split("\n")[0] for one in engine.asked if code_of(one) is None) == [
        "another",
        "new",
    ]
    assert (now.asked, now.taken_over) == (4, before.asked - 3)
    assert before.taken_over == 0
    assert_same(now.gists, summarise(Scripted(lamp), changed, CONFIG, tmp_path / "a", WHO).gists)
    assert earlier.read_bytes() == kept
    untouched = [1, 2, 4, 5]
    assert now.gists[schema.SECONDS].gather(untouched).to_list() == pytest.approx(
        before.gists[schema.SECONDS].gather(untouched).to_list()
    )


@pytest.mark.parametrize("what", ["model", "limit", "version"])
def test_another_model_or_prompt_is_asked_everything(
    what: str, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "earlier"
    before = summarise(Scripted(lamp), catalogue, CONFIG, earlier, WHO)
    who, config = WHO, CONFIG
    if what == "model":
        who = replace(WHO, identity="another")
    elif what == "limit":
        config = CONFIG.model_copy(update={"max_new_tokens": 13})
    else:
        monkeypatch.setattr(prompts, "PROMPT_VERSION", "another")
    engine = Scripted(lamp)
    now = summarise(engine, catalogue, config, tmp_path / "now", who, earlier)
    assert (now.asked, now.taken_over) == (before.asked, 0)
    assert len(engine.asked) == before.asked


def test_items_that_are_the_same_are_asked_about_once(catalogue: Catalogue, tmp_path: Path) -> None:
    twins = with_items(catalogue, {3: catalogue.titles[0]}, {3: catalogue.images[0]})
    engine = Scripted(lamp)
    gists = summarise(engine, twins, CONFIG, tmp_path / "journal", WHO).gists
    assert len(engine.asked) == 2 * (N_ITEMS - 2) - 2
    assert gists.row(0)[1:] == gists.row(3)[1:]


def test_the_table_tells_who_answered_and_what_it_took(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    who = Answering("a model", "an adapter", "identity")
    summary = summarise(Slow(lamp, batch=5), catalogue, CONFIG, tmp_path / "journal", who)
    gists = summary.gists
    assert set(gists[schema.MODEL]) == {"a model"}
    assert set(gists[schema.ADAPTER]) == {"an adapter"}
    assert set(gists[schema.PROMPT_VERSION]) == {prompts.PROMPT_VERSION}
    assert gists[schema.SECONDS].sum() == pytest.approx(summary.seconds)
    assert 0.04 <= summary.seconds < 2
    assert gists[schema.SECONDS][BARE] == 0
    assert all(0.004 <= gists[schema.SECONDS][code] < 1 for code in (0, 1, WITHOUT_IMAGE))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans())))
def test_shares_add_up_to_the_time_that_passed(each: list[tuple[float, bool]]) -> None:
    entries = {str(at): Told("", False, *cost) for at, cost in enumerate(each)}
    found = with_shares(entries)
    assert list(found) == list(entries)
    assert sum(told.seconds for told in found.values()) == pytest.approx(sum(c for c, _ in each))
    assert with_shares(found) == found
    for key, told in entries.items():
        assert not told.shared or found[key] == told


def test_a_batch_shares_its_time() -> None:
    costs = [0.4, 0.001, 0.0, 0.3]
    found = with_shares({str(at): Told("", False, cost) for at, cost in enumerate(costs)})
    assert [told.seconds for told in found.values()] == pytest.approx([0.401 / 3] * 3 + [0.3])
