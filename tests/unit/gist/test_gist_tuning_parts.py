"""Questions that are asked, the model that is kept, and what is told of tricks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tuning_cases import FULL, LORA, TEXTS, TITLES, copied, settings, shop_of, talker

from gistrec.config.engine import EngineConfig
from gistrec.config.gist import GistConfig
from gistrec.config.gist_tuning import GistTuningConfig
from gistrec.config.tuning import TuningConfig
from gistrec.errors import ConfigError
from gistrec.gist.tuning.frozen import prepare_policy
from gistrec.gist.tuning.judging import Side
from gistrec.gist.tuning.questions import order_of_questions, questions_for_tuning
from gistrec.gist.tuning.report import tricks
from gistrec.gist.tuning.scorer import RememberingEncoder, Scorer
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer
from gistrec.mllm.lesson import mean_log_probs
from gistrec.mllm.retell import retell_lesson
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.text.encoder import open_sentence_encoder

GOOD = Side(
    questions=100,
    valid=1.0,
    reward=1.0,
    information=0.5,
    reconstruction=0.5,
    length=-0.5,
    distinction=None,
    keywords=4.0,
    repetition=0.0,
    copying=0.3,
    most_frequent=0.1,
    distinct=1.0,
    distinct_keywords=0.5,
)


@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 9), st.integers(0, 3))
def test_every_question_comes_before_one_comes_again(
    count: int, steps: int, at_once: int, seed: int
) -> None:
    order = order_of_questions(count, steps, at_once, seed)
    assert len(order) == steps * at_once
    for begin in range(0, len(order), count):
        turn = order[begin : begin + count]
        assert len(set(turn)) == len(turn)
        assert set(turn) <= set(range(count))


def test_items_held_out_are_not_trained_on(tiny_backbone: Backbone, pictures: list[bytes]) -> None:
    shop = shop_of(tiny_backbone, pictures)
    asked = settings(validation_items=50, max_items=3)
    parts = questions_for_tuning(tiny_backbone, TITLES, TEXTS, shop.features, asked)
    trained, held = ({one.code for one in part} for part in (parts.training, parts.validation))
    assert not trained & held
    assert len(trained) == 3
    assert len(held) == 1  # a fifth of eight
    assert all(one.code in shop.features for one in parts.training if one.about == "image")


def test_items_without_words_are_left_out_and_too_few_are_refused(
    tiny_backbone: Backbone,
) -> None:
    titles, texts = ["", "red sofa", "blue lamp"], ["", "", ""]
    nothing = ImageFeatures.none(3)
    parts = questions_for_tuning(tiny_backbone, titles, texts, nothing, settings())
    assert {one.code for one in parts.training + parts.validation} == {1, 2}
    with pytest.raises(ConfigError, match=r"there are 1: set gist\.tuning\.kind=none"):
        questions_for_tuning(tiny_backbone, titles[:2], texts[:2], nothing, settings())
    silent = settings().model_copy(update={"text_keywords": 0})
    with pytest.raises(ConfigError, match="nothing to tune"):
        questions_for_tuning(tiny_backbone, titles, texts, nothing, silent)


@pytest.mark.parametrize("tuning", [FULL, LORA])
def test_the_frozen_model_stays_as_it_was(tiny_backbone: Backbone, tuning: TuningConfig) -> None:
    model = copied(talker(tiny_backbone))
    frozen = prepare_policy(model, tuning, seed=0)
    assert frozen.shared == (tuning is LORA)
    lessons = [retell_lesson(model, ["red"], "red sofa", "dotted", 20)]
    with torch.no_grad():
        expected = mean_log_probs(talker(tiny_backbone), lessons, None)
        for value in model.model.parameters():
            if value.requires_grad:
                value += 0.1
        assert not torch.allclose(mean_log_probs(model, lessons, None), expected)
    with frozen.asked() as asked:
        torch.testing.assert_close(mean_log_probs(asked, lessons, None), expected)


def test_an_encoder_that_remembers_says_the_same() -> None:
    plain = open_sentence_encoder("lsa", TITLES)
    remembering = RememberingEncoder(plain)
    for texts in (TITLES, ["sofa", "red sofa", "sofa"]):
        torch.testing.assert_close(
            torch.from_numpy(remembering.encode(texts)), torch.from_numpy(plain.encode(texts))
        )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"valid": 0.9}, "lists of keywords less often"),
        ({"keywords": 1.0}, "few keywords left"),
        ({"keywords": 7.0}, "grown longer"),
        ({"repetition": 0.3}, "repeat their words"),
        ({"copying": 0.9}, "copy the item's own words"),
        ({"most_frequent": 0.6}, "one and the same"),
        ({"distinct": 0.2}, "tell items apart less"),
    ],
)
def test_a_trick_is_told(changed: dict[str, float], told: str) -> None:
    assert list(tricks(GOOD, GOOD)) == []
    (found,) = tricks(GOOD, GOOD.model_copy(update=changed))
    assert told in found


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"valid": 1 / 12, "questions": 12}, {"most_frequent": 1.0, "distinct": 0.2}),
        ({"valid": 0.45, "questions": 75}, {"valid": 0.40}),
        ({"questions": 19}, {"valid": 0.0}),
    ],
    ids=["one list", "noise", "few questions"],
)
def test_a_handful_of_answers_and_chance_show_no_trick(
    was: dict[str, float], now: dict[str, float]
) -> None:
    before = GOOD.model_copy(update=was)
    assert list(tricks(before, before.model_copy(update=now))) == []


def test_a_model_that_gives_no_list_any_more_is_told() -> None:
    lost = {"valid": 0.0, "keywords": 0.0, "distinct": 0.0, "most_frequent": 0.0}
    (found,) = tricks(GOOD, GOOD.model_copy(update=lost))
    assert "100% -> 0%" in found


def test_a_server_that_answers_cannot_be_tuned() -> None:
    server = EngineConfig(kind="server", url="http://localhost:1", model="m")
    with pytest.raises(ValidationError, match="set one of them otherwise"):
        GistConfig(engine=server, tuning=GistTuningConfig(kind="grpo"))
    assert GistConfig(engine=server).tuning.kind == "none"


def test_batches_are_to_be_whole() -> None:
    with pytest.raises(ValidationError, match="must be a multiple of batch_size"):
        GistTuningConfig(questions=3, generations=5, batch_size=4)
    assert GistTuningConfig(questions=3, generations=5, batch_size=64).answers == 15


def test_how_gists_are_tuned_decides_no_answer_of_the_same_model() -> None:
    tuned = GistConfig(tuning=GistTuningConfig(kind="grpo", steps=7))
    assert tuned.deciding() == GistConfig().deciding()
    assert tuned.deciding_tuning() != GistConfig().deciding_tuning()


def test_keywords_of_an_image_are_near_to_what_was_seen_too(
    tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    """By the item's text alone, a word for what only the image shows would be a loss."""
    shop, asked = shop_of(tiny_backbone, pictures), settings()
    parts = questions_for_tuning(tiny_backbone, TITLES, TEXTS, shop.features, asked)
    image = next(one for one in parts.training if one.about == "image")
    words = [f"{title} {text} velvet" for title, text in zip(TITLES, TEXTS, strict=True)]
    encoder = open_sentence_encoder("lsa", [*words, *TITLES])
    frozen = prepare_policy(copied(tiny_backbone), FULL, 0)
    short, whole = TITLES[image.code].split(" ")[1], f"{TITLES[image.code].split(' ')[1]}, velvet"
    for seen, better in (({}, 0), ({image.code: ("velvet",)}, 1)):
        scorer = Scorer(frozen, encoder, TITLES, TEXTS, seen, asked)
        scores = scorer.scores([image] * 2, [Answer(short, False), Answer(whole, False)])
        assert int(scores.terms["information"].argmax()) == better
