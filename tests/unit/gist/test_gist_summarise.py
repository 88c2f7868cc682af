import copy
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.gist import summarise as module
from gistrec.gist.summarise import Catalogue, summarise
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.shortening import text_question
from gistrec.mllm.training import Course, Lessons, train
from gistrec.mllm.vision.features import ImageFeatures

N_ITEMS = 7
WITHOUT_IMAGE, WITHOUT_TEXT, BARE = 2, 4, 5
SEEN, READ = "red, sofa, dotted", "blue, lamp, plain, item"
CONFIG = GistConfig(max_new_tokens=12, max_text_tokens=60, batch_size=3)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    pictured = sorted(set(range(N_ITEMS)) - {WITHOUT_IMAGE, BARE})
    table = torch.randn(N_ITEMS, 4, 32, generator=torch.Generator().manual_seed(0))
    titles = [f"title {code}" for code in range(N_ITEMS)]
    texts = ["red chair"] * N_ITEMS
    texts[1] = "green " * 400
    for code in (WITHOUT_TEXT, BARE):
        titles[code] = texts[code] = ""
    ids = pl.Series([f"i{code}" for code in range(N_ITEMS)])
    images = {code: ((2, 2), table[code][None]) for code in pictured}
    return Catalogue(ids, titles, texts, ImageFeatures.held(N_ITEMS, images))


@pytest.fixture(scope="module")
def parrot(tiny_backbone: Backbone, catalogue: Catalogue) -> Backbone:
    """Taught one answer to a question about an image and another to one about a text."""
    backbone = make_backbone(copy.deepcopy(tiny_backbone.model), tiny_backbone.processor)
    lessons = [
        Lesson(
            backbone.question(prompts.image_keywords(0), catalogue.features.grid),
            backbone.answer(SEEN),
        ),
        *(
            Lesson(text_question(backbone, title, text, CONFIG.max_text_tokens), answer)
            for title, text in zip(catalogue.titles[:2], catalogue.texts[:2], strict=True)
            for answer in [backbone.answer(READ)]
        ),
    ]

    def loss(place: int) -> torch.Tensor:
        codes = [place % N_ITEMS]
        picture = catalogue.features.of(codes, backbone.device)
        return lesson_loss(backbone, lessons, picture)

    course = Course(epochs=1, learning_rate=5e-3)
    train(backbone.model, Lessons("parrot", lambda _: range(60), loss), course, None, "")
    return backbone


def lists(gists: pl.DataFrame, column: str) -> list[list[str]]:
    return gists[column].to_list()


def test_each_modality_is_asked_for_what_the_item_has(
    parrot: Backbone, catalogue: Catalogue, tmp_path: Path
) -> None:
    gists = summarise(parrot, catalogue, CONFIG, tmp_path)
    assert gists.columns == [schema.ITEM_ID, schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS]
    assert gists[schema.ITEM_ID].to_list() == catalogue.item_ids.to_list()
    seen, read = SEEN.split(", "), READ.split(", ")
    assert lists(gists, schema.IMAGE_KEYWORDS) == [
        [] if code in (WITHOUT_IMAGE, BARE) else seen for code in range(N_ITEMS)
    ]
    assert lists(gists, schema.TEXT_KEYWORDS) == [
        [] if code in (WITHOUT_TEXT, BARE) else read for code in range(N_ITEMS)
    ]


@pytest.mark.parametrize(("image", "text"), [(0, 2), (2, 0), (0, 0), (1, 3)])
def test_no_more_keywords_than_asked_for(
    image: int, text: int, parrot: Backbone, catalogue: Catalogue, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"image_keywords": image, "text_keywords": text})
    gists = summarise(parrot, catalogue, config, tmp_path)
    assert lists(gists, schema.IMAGE_KEYWORDS)[0] == SEEN.split(", ")[:image]
    assert lists(gists, schema.TEXT_KEYWORDS)[0] == READ.split(", ")[:text]


def test_the_same_in_any_batch_and_any_shard(
    parrot: Backbone, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = summarise(parrot, catalogue, CONFIG, tmp_path / "whole")
    singly = CONFIG.model_copy(update={"batch_size": 1})
    assert_frame_equal(summarise(parrot, catalogue, singly, tmp_path / "singly"), whole)
    monkeypatch.setattr(module, "_SHARD", 3)
    assert_frame_equal(summarise(parrot, catalogue, CONFIG, tmp_path / "shards"), whole)


@pytest.fixture
def questions_asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each call of the generator was asked."""
    counts: list[int] = []
    real = module.generate

    def counted(backbone: Backbone, questions: list[object], *rest: object) -> object:
        counts.append(len(questions))
        return real(backbone, questions, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "generate", counted)
    return counts


def test_only_a_missing_shard_is_asked_for_again(
    parrot: Backbone,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    questions_asked: list[int],
) -> None:
    monkeypatch.setattr(module, "_SHARD", 3)
    whole = summarise(parrot, catalogue, CONFIG, tmp_path)
    images, texts = N_ITEMS - 2, N_ITEMS - 2
    assert sum(questions_asked) == images + texts
    shards = sorted(tmp_path.iterdir())
    assert len(shards) == 3
    questions_asked.clear()
    summarise(parrot, catalogue, CONFIG, tmp_path)
    assert sum(questions_asked) == 0
    shards[1].unlink()
    assert_frame_equal(summarise(parrot, catalogue, CONFIG, tmp_path), whole)
    assert sum(questions_asked) == 1 + 2  # of items 3, 4, 5: two images less BARE's, one text
    assert sorted(tmp_path.iterdir()) == shards


def test_an_interruption_keeps_the_finished_shards(
    parrot: Backbone,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    questions_asked: list[int],
) -> None:
    monkeypatch.setattr(module, "_SHARD", 3)
    counted = module.generate

    def interrupted(*asked: object) -> object:
        if len(questions_asked) == 3:
            raise KeyboardInterrupt
        return counted(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        summarise(parrot, catalogue, CONFIG, tmp_path / "cut")
    assert [file.name for file in (tmp_path / "cut").iterdir()] == ["000000000.parquet"]
    monkeypatch.setattr(module, "generate", counted)
    resumed = summarise(parrot, catalogue, CONFIG, tmp_path / "cut")
    assert_frame_equal(resumed, summarise(parrot, catalogue, CONFIG, tmp_path / "whole"))


def test_no_question_is_longer_than_its_budget(
    fresh_backbone: Callable[[], Backbone],
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The item with 400 words is shortened; images keep all of their tokens."""
    backbone, asked = fresh_backbone(), []
    real = module.generate

    def noted(backbone: Backbone, questions: list[object], *rest: object) -> object:
        asked.extend(questions)
        return real(backbone, questions, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "generate", noted)
    summarise(backbone, catalogue, CONFIG, tmp_path)
    pictured = [question for question in asked if question.images]
    texts = [question for question in asked if not question.images]
    mark = backbone.model.config.image_token_id
    assert len(pictured) == N_ITEMS - 2
    assert {question.ids.count(mark) for question in pictured} == {4}
    longest = max(len(question.ids) for question in texts)
    assert CONFIG.max_text_tokens - 3 <= longest <= CONFIG.max_text_tokens
