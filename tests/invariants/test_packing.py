"""A packed row gives each candidate what a prompt of its own would have given it."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.prompts import ItemImage, Segment
from gistrec.mllm.scoring import answer_states, score_rows, yes_minus_no
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.vision.looking import image_features

WORDS = [
    "red",
    "blue",
    "green",
    "sofa",
    "lamp",
    "chair",
    "dotted",
    "plain",
    "item",
    "bought",
    "chose",
    "come",
    "next",
    "user",
    "x7",
    "?",
]
N_ITEMS = 6
TOLERANCE = 1e-4

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
images = st.integers(0, N_ITEMS - 1).map(ItemImage)
parts = st.lists(texts | images, min_size=1, max_size=3)
prompts = st.tuples(parts, st.lists(parts, min_size=1, max_size=5))
Prompt = tuple[list[Segment], list[list[Segment]]]


@pytest.fixture(scope="module")
def features(tiny_backbone: Backbone, pictures: list[bytes]) -> ImageFeatures:
    return image_features(tiny_backbone, N_ITEMS, lambda code: pictures[code])


def row_of(backbone: Backbone, prompt: Prompt, features: ImageFeatures) -> Row:
    prefix, branches = prompt
    after = Tokens(backbone.after)
    return Row(
        Tokens(backbone.before) + backbone.tokens(prefix, features.grid),
        tuple(backbone.tokens(branch, features.grid) + after for branch in branches),
    )


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def alone(backbone: Backbone, row: Row, pictures: Sequence[bytes]) -> torch.Tensor:
    """Yes-minus-no of every candidate by the model's public forward, one prompt at a time."""
    scores = []
    for branch in row.branches:
        tokens = row.prefix + branch
        shown = [opened(pictures[code]) for code in tokens.codes]
        prepared = backbone.family.prepare(shown) if shown else []
        pixels = [one.inputs["pixel_values"] for one in prepared]
        logits = backbone.model(
            input_ids=torch.tensor([tokens.ids]),
            pixel_values=torch.stack(pixels)[None] if prepared else None,
        ).logits[0, -1]
        yes, no = logits[list(backbone.yes_ids)], logits[list(backbone.no_ids)]
        scores.append(yes.logsumexp(0) - no.logsumexp(0))
    return torch.stack(scores)


@settings(max_examples=25, deadline=None)
@given(prompt=prompts)
def test_a_packed_row_scores_like_prompts_of_its_own(
    prompt: Prompt, tiny_backbone: Backbone, features: ImageFeatures, pictures: list[bytes]
) -> None:
    row = row_of(tiny_backbone, prompt, features)
    with torch.no_grad():
        separate = alone(tiny_backbone, row, pictures)
    (packed,) = score_rows(tiny_backbone, [row], features)
    assert packed.dtype == torch.float32
    torch.testing.assert_close(packed, separate, atol=TOLERANCE, rtol=0)


@settings(max_examples=25, deadline=None)
@given(batch=st.lists(prompts, min_size=2, max_size=4), data=st.data())
def test_order_batch_and_chunks_change_nothing(
    batch: list[Prompt], data: st.DataObject, tiny_backbone: Backbone, features: ImageFeatures
) -> None:
    rows = [row_of(tiny_backbone, prompt, features) for prompt in batch]
    singly = [score_rows(tiny_backbone, [row], features)[0] for row in rows]
    together = score_rows(tiny_backbone, rows, features)
    narrow = score_rows(tiny_backbone, rows, features, max_tokens=1)
    most = data.draw(st.integers(1, 30), label="chunk_tokens")
    chunks = score_rows(tiny_backbone, rows, features, chunk_tokens=most)
    for row, expected, *others in zip(rows, singly, together, narrow, chunks, strict=True):
        for other in others:
            torch.testing.assert_close(other, expected, atol=TOLERANCE, rtol=0)
        order = data.draw(st.permutations(range(len(row.branches))))
        shuffled = Row(row.prefix, tuple(row.branches[place] for place in order))
        (moved,) = score_rows(tiny_backbone, [shuffled], features)
        torch.testing.assert_close(moved, expected[list(order)], atol=TOLERANCE, rtol=0)
        cut = data.draw(st.integers(0, len(row.branches)))
        halves = [Row(row.prefix, part) for part in (row.branches[:cut], row.branches[cut:])]
        found = score_rows(tiny_backbone, [half for half in halves if half.branches], features)
        torch.testing.assert_close(torch.cat(found), expected, atol=TOLERANCE, rtol=0)


@settings(max_examples=8, deadline=None)
@given(prompt=prompts)
def test_gradients_of_a_packed_row_are_those_of_separate_prompts(
    prompt: Prompt, tiny_backbone: Backbone, features: ImageFeatures
) -> None:
    row = row_of(tiny_backbone, prompt, features)
    singles = [Row(row.prefix, (branch,)) for branch in row.branches]
    weights = torch.linspace(-1.0, 1.0, len(row.branches))
    language = tiny_backbone.language.named_parameters()
    parameters = {name: value for name, value in language if value.requires_grad}

    def gradients(rows: list[Row]) -> tuple[torch.Tensor, ...]:
        scores = yes_minus_no(tiny_backbone, answer_states(tiny_backbone, rows, features))
        return torch.autograd.grad((scores * weights).sum(), list(parameters.values()))

    for name, packed, separate in zip(
        parameters, gradients([row]), gradients(singles), strict=True
    ):
        torch.testing.assert_close(
            packed, separate, atol=1e-4, rtol=1e-3, msg=lambda m, n=name: n + m
        )


def test_a_candidate_never_sees_another(tiny_backbone: Backbone, features: ImageFeatures) -> None:
    prefix = [ItemImage(0), "user chose red sofa"]
    first: list[Segment] = ["blue lamp"]
    seen = [
        score_rows(
            tiny_backbone, [row_of(tiny_backbone, (prefix, [first, other]), features)], features
        )[0]
        for other in (["green chair"], [ItemImage(3), "plain item"])
    ]
    assert seen[0][0] == pytest.approx(seen[1][0].item(), abs=TOLERANCE)
    assert seen[0][1] != pytest.approx(seen[1][1].item(), abs=TOLERANCE)


def test_what_is_compared_differs_between_candidates(
    tiny_backbone: Backbone, features: ImageFeatures
) -> None:
    """The tolerance means something: other words, another image or another history score apart."""
    rows = [
        row_of(tiny_backbone, (["user chose red"], [["sofa"], ["lamp"], [ItemImage(1)]]), features),
        row_of(
            tiny_backbone, (["user chose blue"], [["sofa"], ["lamp"], [ItemImage(2)]]), features
        ),
    ]
    scores = torch.cat(score_rows(tiny_backbone, rows, features)).numpy()
    gaps = np.abs(scores[:, None] - scores)[~np.eye(6, dtype=bool)]
    assert gaps.min() > 5 * TOLERANCE
