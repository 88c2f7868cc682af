"""Answers in words are the model's own, whatever the batch."""

from dataclasses import replace
from io import BytesIO

import pytest
import torch
from PIL import Image

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Sampling
from gistrec.mllm.generation import (
    answer_ids,
    batches_by_length,
    generate,
    read_answer,
)
from gistrec.mllm.packing import Tokens
from gistrec.mllm.prompts import ItemImage, Segment
from gistrec.mllm.vision.features import ImageFeatures

LENGTH = 7
ASKED: list[list[Segment]] = [
    ["red"],
    [ItemImage(0), "sofa or lamp"],
    [ItemImage(1)],
    ["green chair, blue lamp, dotted item"],
    ["first ", ItemImage(2), " then ", ItemImage(0)],
]


@pytest.fixture(scope="module")
def features(tiny_backbone: Backbone, pictures: list[bytes]) -> ImageFeatures:
    images = [Image.open(BytesIO(data)).convert("RGB") for data in pictures[:3]]
    prepared = tiny_backbone.family.prepare(images)
    with torch.no_grad():
        seen = tiny_backbone.family.look(prepared)
    grids = [one.grid for one in prepared]
    return ImageFeatures.held(4, dict(enumerate(zip(grids, seen, strict=True))))


@pytest.fixture
def questions(tiny_backbone: Backbone, features: ImageFeatures) -> list[Tokens]:
    return [tiny_backbone.question(segments, features.grid) for segments in ASKED]


def library_answer(
    backbone: Backbone, question: Tokens, features: ImageFeatures, length: int
) -> tuple[int, ...]:
    """What transformers' own loop gives for embeddings; right for families without extras."""
    ids = torch.tensor([question.ids])
    embedded = backbone.model.get_input_embeddings()(ids)
    seen = features.of([image.code for image in question.images], backbone.device)
    if seen is not None:
        place = (ids == backbone.family.image_token_id)[..., None]
        embedded = embedded.masked_scatter(place, seen[0])
    found = backbone.model.generate(
        inputs_embeds=embedded,
        max_new_tokens=length,
        do_sample=False,
        eos_token_id=list(backbone.end_ids),
        pad_token_id=backbone.pad_id,
    )
    return tuple(found[0].tolist())


def test_batches_hold_every_question_once_longest_first() -> None:
    questions = [Tokens((0,) * length) for length in (3, 9, 1, 4, 4)]
    assert batches_by_length(questions, 2) == [[1, 3], [4, 0], [2]]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_greedy_answers_are_the_librarys(
    batch_size: int, tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    found = dict(answer_ids(tiny_backbone, questions, features, LENGTH, batch_size))
    for row, question in enumerate(questions):
        assert found[row] == library_answer(tiny_backbone, question, features, LENGTH)
    assert len(set(found.values())) > 1


@pytest.mark.parametrize("sampling", [None, Sampling(1.5, seed=3)])
def test_neither_batch_nor_order_changes_an_answer(
    sampling: Sampling | None,
    tiny_backbone: Backbone,
    questions: list[Tokens],
    features: ImageFeatures,
) -> None:
    whole = dict(generate(tiny_backbone, questions, features, LENGTH, 5, sampling))
    order = [3, 0, 4, 2, 1]
    moved = [questions[row] for row in order]
    again = dict(generate(tiny_backbone, moved, features, LENGTH, 2, sampling))
    assert {order[place]: answer for place, answer in again.items()} == whole


def ended_by(backbone: Backbone, token: int) -> Backbone:
    """The same model where ``token`` ends an answer too."""
    return replace(backbone, end_ids=(*backbone.end_ids, token))


def test_an_answer_stops_at_any_end_and_the_others_go_on(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    """An end that comes up in some answers, at different steps, is taken from the answers."""
    whole = dict(answer_ids(tiny_backbone, questions, features, LENGTH, 5))
    steps = {
        token: {ids.index(token) if token in ids else LENGTH for ids in whole.values()}
        for ids in whole.values()
        for token in ids
    }
    end = max(steps, key=lambda token: len(steps[token]))
    assert len(steps[end]) > 1
    backbone = ended_by(tiny_backbone, end)
    for batch_size in (1, 5):
        cut = dict(answer_ids(backbone, questions, features, LENGTH, batch_size))
        for row, ids in whole.items():
            kept = ids.index(end) + 1 if end in ids else LENGTH
            assert cut[row] == ids[:kept]


def test_special_tokens_are_left_out_of_words(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    ids = dict(answer_ids(tiny_backbone, questions, features, LENGTH))
    words = dict(generate(tiny_backbone, questions, features, LENGTH))
    decode = tiny_backbone.processor.tokenizer.decode
    assert words == {row: decode(found, skip_special_tokens=True) for row, found in ids.items()}


def test_one_token_is_the_likeliest(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    with torch.no_grad():
        logits = tiny_backbone.model(input_ids=torch.tensor([questions[0].ids])).logits[0, -1]
    ((_, ids),) = answer_ids(tiny_backbone, questions[:1], features, 1)
    assert ids == (int(logits.argmax()),)


def test_no_questions_no_answers(tiny_backbone: Backbone, features: ImageFeatures) -> None:
    assert list(generate(tiny_backbone, [], features, 4)) == []


def test_draws_follow_the_models_shares(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    """The same question asked often draws anew each time, each token as often as is its share."""
    times, temperature = 600, 0.5
    with torch.no_grad():
        logits = tiny_backbone.model(input_ids=torch.tensor([questions[0].ids])).logits[0, -1]
    shares = torch.softmax(logits / temperature, -1)
    drawn = answer_ids(
        tiny_backbone, questions[:1] * times, features, 1, 300, Sampling(temperature, seed=1)
    )
    counts = torch.bincount(torch.tensor([ids[0] for _, ids in drawn]), minlength=len(shares))
    likely = shares.topk(5).indices
    error = (shares * (1 - shares) / times).sqrt()
    assert ((counts / times - shares).abs() < 4.5 * error + 1e-6)[likely].all()


def test_a_seed_repeats_and_another_differs(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    def drawn(seed: int) -> dict[int, str]:
        return dict(
            generate(tiny_backbone, questions, features, LENGTH, 5, Sampling(1.5, seed=seed))
        )

    assert drawn(0) == drawn(0) != drawn(1)


def test_a_low_temperature_is_greedy(
    tiny_backbone: Backbone, questions: list[Tokens], features: ImageFeatures
) -> None:
    cold = dict(generate(tiny_backbone, questions, features, LENGTH, 5, Sampling(1e-4)))
    assert cold == dict(generate(tiny_backbone, questions, features, LENGTH, 5))


def test_an_answer_that_is_cut_within_a_character_ends_before_it(tiny_backbone: Backbone) -> None:
    whole, half = tiny_backbone.text_ids("red, 木"), tiny_backbone.text_ids("red, 木")[:-1]
    assert read_answer(tiny_backbone, whole) == (" red, 木", True)
    assert tiny_backbone.processor.tokenizer.decode(half).endswith("\ufffd")
    assert read_answer(tiny_backbone, half) == (" red, ", True)
    ended = read_answer(tiny_backbone, (*half, tiny_backbone.end_id))
    assert ended == (" red, \ufffd", False)  # the model's own fault, and no keyword
