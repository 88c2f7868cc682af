"""The engine within this process."""

from dataclasses import replace

import pytest

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Question, Sampling
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.generation import answer_ids, read_answer
from gistrec.mllm.prompts import ItemImage
from servers.tiny_vllm import looked_at, plain

QUESTIONS = [Question(("red sofa",)), Question((ItemImage(1), "what?")), Question(("lamp",))]


@pytest.mark.parametrize("length", [1, 6])
def test_answers_are_the_backbones(
    length: int, tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    features = looked_at(tiny_backbone, pictures[:2])
    asked = [tiny_backbone.question(one.segments, features.grid) for one in QUESTIONS]
    ids = dict(answer_ids(tiny_backbone, asked, features, length))
    expected = {row: read_answer(tiny_backbone, found) for row, found in ids.items()}
    assert all(found.cut and len(ids[row]) == length for row, found in expected.items())
    for batch_size in (1, 8):
        engine = LocalEngine(tiny_backbone, features, batch_size)
        assert dict(engine.answer(QUESTIONS, length)) == expected


def test_an_answer_that_ends_by_itself_is_not_cut(
    tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    features = looked_at(tiny_backbone, pictures[:2])
    asked = [tiny_backbone.question(QUESTIONS[0].segments)]
    ((_, ids),) = answer_ids(tiny_backbone, asked, features, 3)
    ended = replace(tiny_backbone, end_ids=(*tiny_backbone.end_ids, ids[-1]))
    for backbone, cut in ((tiny_backbone, True), (ended, False)):
        ((_, answer),) = LocalEngine(backbone, features).answer(QUESTIONS[:1], 3)
        assert answer.cut is cut


def test_tokens_are_counted_as_the_backbone_sees_them(tiny_backbone: Backbone) -> None:
    for backbone in (tiny_backbone, plain(tiny_backbone)):
        engine = LocalEngine(backbone, looked_at(backbone, []))
        assert engine.count("red sofa, unheard of") == len(
            backbone.text_ids("red sofa, unheard of")
        )


def test_drawn_answers_depend_on_the_question_and_the_seed_alone(tiny_backbone: Backbone) -> None:
    features = looked_at(tiny_backbone, [])
    questions = [Question((words,)) for words in ("red sofa", "a blue lamp", "red sofa")]

    def drawn(asked: list[Question], seed: int, batch_size: int = 8) -> list[str]:
        engine = LocalEngine(tiny_backbone, features, batch_size, Sampling(1.5, seed))
        found = dict(engine.answer(asked, 12))
        return [found[number].text for number in range(len(asked))]

    first = drawn(questions, 3)
    assert first[0] == first[2] != first[1]
    assert drawn(questions[1:], 3, batch_size=1) == first[1:]
    assert drawn(questions, 4) != first
    likeliest = dict(LocalEngine(tiny_backbone, features).answer(questions, 12))
    assert first[0] != likeliest[0].text


def test_the_room_is_the_context_less_the_chats_frame(tiny_backbone: Backbone) -> None:
    room = LocalEngine(tiny_backbone, looked_at(tiny_backbone, [])).room
    words = "sofa " * room
    longest = next(
        n for n in range(room, 0, -1) if len(tiny_backbone.text_ids(words[: 5 * n])) <= room
    )
    question = tiny_backbone.question([words[: 5 * longest]])
    assert tiny_backbone.context - 16 <= len(question.ids) <= tiny_backbone.context
