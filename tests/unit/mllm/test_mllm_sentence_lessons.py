import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.config.backbone import EmbeddedConfig
from gistrec.mllm import prompts, warm_start
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import generate
from gistrec.mllm.sentence_lessons import (
    asked_words,
    description_lesson,
    joined_lesson,
    summary_lesson,
)
from gistrec.mllm.vision.features import ImageFeatures

NOUNS = prompts.Nouns("item", "chose")
STYLES = ("rustic", "modern", "nordic")
TEXTS = [(f"{style} sofa", "made of cork") for style in STYLES for _ in range(8)]


def decoded(backbone: Backbone, ids: tuple[int, ...]) -> str:
    return backbone.processor.tokenizer.decode(list(ids), skip_special_tokens=True).strip()


@given(st.integers(1, 50), st.integers(0, 2**32))
def test_fewer_words_are_asked_for_now_and_then(telling: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = [asked_words(telling, rng) for _ in range(100)]
    assert min(asked) >= 1
    assert any(most <= telling for most in asked)
    assert sum(most > telling for most in asked) > 50


def test_answers_hold_no_more_words_than_asked_for(tiny_backbone: Backbone) -> None:
    rng = np.random.default_rng(0)
    seen, short = set(), 0
    for _ in range(40):
        lessons = [
            description_lesson(tiny_backbone, ("sofa", "red", "dotted"), (2, 2), rng),
            summary_lesson(tiny_backbone, ("red sofa", "plain"), ("red", "plain"), 60, rng),
            joined_lesson(tiny_backbone, [("green", "lamp"), ("blue",)], rng),
        ]
        for lesson in lessons:
            asked = decoded(tiny_backbone, lesson.question.ids)
            most = int("".join(filter(str.isdigit, asked[asked.rindex("at most") :])))
            answer = decoded(tiny_backbone, lesson.answer.ids)
            assert 1 <= len(answer.split()) <= most
            seen.add(answer)
            short += most < 4
    assert "a dotted red sofa." in seen
    assert "about red, plain." in seen
    assert any(answer.startswith("a ") and " about " in answer for answer in seen)
    assert short


def test_a_joined_sentence_says_what_the_two_say(tiny_backbone: Backbone) -> None:
    """All of it can be read off the question, or the lesson would teach to make things up."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        lesson = joined_lesson(tiny_backbone, [("green", "lamp"), ("blue",)], rng)
        answer = decoded(tiny_backbone, lesson.answer.ids)
        asked = decoded(tiny_backbone, lesson.question.ids).replace(".", " ").replace(",", " ")
        said = answer.replace(".", "").replace(",", "").split()
        assert set(said) - {"a", "an", "about"} <= set(asked.split())


@pytest.fixture(scope="module")
def taught() -> Backbone:
    config = EmbeddedConfig(
        width=32,
        layers=1,
        vision_width=32,
        vision_layers=1,
        vocabulary=700,
        primer_drawings=0,
        invented_users=0,
        retold_texts=0,
        sentences=24,
        epochs=14,
        batch_size=8,
        learning_rate=5e-3,
    )
    return warm_start.warm_start(TEXTS, NOUNS, config)[0]


def test_texts_are_summarised_after_a_few_seconds_of_it(taught: Backbone) -> None:
    """Each by its own style and no other's."""
    asked = [taught.question(prompts.text_sentence(*text, 12)) for text in TEXTS[::8]]
    answers = dict(generate(taught, asked, ImageFeatures.none(1), 16))
    for row, style in enumerate(STYLES):
        assert answers[row].strip().startswith("about ")
        assert [other for other in STYLES if other in answers[row]] == [style]
