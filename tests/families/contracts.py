"""What gistrec owes every family, as numbers: the largest gap to the family's own computation."""

from collections.abc import Sequence

import torch

from families.pair import Pair, Prompt
from gistrec.mllm.generation import answer_ids
from gistrec.mllm.prompts import ItemImage
from gistrec.mllm.scoring import answer_states, hidden_states, score_rows, yes_minus_no

ASKED = "user chose red sofa"
PROMPTS: dict[str, Prompt] = {
    "text": ([ASKED], [["blue lamp"], ["x7"], ["green chair, plain item?"]]),
    "images in the prefix": (
        [ItemImage(0), ASKED, ItemImage(3)],
        [["blue lamp"], ["x7"], ["green chair, plain item?"]],
    ),
    "images in branches": (
        [ASKED],
        [[ItemImage(1), "blue lamp"], [ItemImage(4)], ["x7", ItemImage(2), ItemImage(5)]],
    ),
    "images in both": (
        ["the first\n", ItemImage(3), ItemImage(4), "came next\n"],
        [[ItemImage(0), "a"], [ItemImage(3)], ["plain"], ["?", ItemImage(3), "?", ItemImage(1)]],
    ),
}
ANSWER_TOKENS = 10


def gap(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest absolute difference."""
    assert found.shape == expected.shape
    return float((found.cpu().float() - expected.cpu().float()).abs().max())


@torch.no_grad()
def logits_gap(pair: Pair, prompt: Prompt) -> float:
    """Of all logits where answers begin, packed against the family's own forward."""
    row = pair.row(prompt)
    states = answer_states(pair.backbone, [row], pair.features)
    return gap(pair.backbone.logits(states), pair.expected(row))


@torch.no_grad()
def state_gap(pair: Pair, prompt: Prompt) -> float:
    """Of the prefix's states, at every token, through the family's own head."""
    row = pair.row(prompt)
    packed = pair.backbone.pack([row])
    hidden = hidden_states(pair.backbone, packed, pair.features)[0, : len(row.prefix.ids)]
    expected = pair.reference.logits(row.prefix.ids, pair.images_of(row.prefix))
    return gap(pair.backbone.logits(hidden), expected)


def score_gap(pair: Pair, prompt: Prompt, **options: int) -> float:
    """Of yes-minus-no as ``score_rows`` gives it."""
    row = pair.row(prompt)
    (found,) = score_rows(pair.backbone, [row], pair.features, **options)
    return gap(found, pair.yes_minus_no(pair.expected(row)))


def answers(pair: Pair, prompts: Sequence[Prompt]) -> list[tuple[tuple[int, ...], ...]]:
    """Greedy answers to every branch's question: gistrec's ids and the family's own."""
    rows = [pair.row(prompt) for prompt in prompts]
    questions = [row.prefix + branch for row in rows for branch in row.branches]
    found = dict(answer_ids(pair.backbone, questions, pair.features, ANSWER_TOKENS, batch_size=3))
    expected = [
        pair.reference.generate(one.ids, pair.images_of(one), ANSWER_TOKENS) for one in questions
    ]
    return [(found[place], expected[place]) for place in range(len(questions))]


def gradients(pair: Pair, prompt: Prompt) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Of a sum over candidates: packed, and by the family's own forward, by parameter."""
    row = pair.row(prompt)
    weights = torch.linspace(-1.0, 1.0, len(row.branches))
    ours = _parameters(pair.backbone.model)
    theirs = _parameters(pair.reference.model)
    scores = yes_minus_no(pair.backbone, answer_states(pair.backbone, [row], pair.features))
    found = torch.autograd.grad((scores.cpu() * weights).sum(), list(ours.values()))
    prompts = [row.prefix + branch for branch in row.branches]
    logits = torch.stack(
        [
            pair.reference.model(**pair.reference.inputs(one.ids, pair.images_of(one))).logits[
                0, -1
            ]
            for one in prompts
        ]
    )
    expected = torch.autograd.grad(
        (pair.yes_minus_no(logits) * weights).sum(), list(theirs.values())
    )
    assert list(ours) == list(theirs)
    return dict(zip(ours, zip(found, expected, strict=True), strict=True))


def gradient_gap(pair: Pair, prompt: Prompt) -> float:
    """The largest gap of a parameter's gradients, relative to the largest of them."""
    return max(
        gap(found, expected) / float(expected.abs().max().clamp(min=1e-3))
        for found, expected in gradients(pair, prompt).values()
    )


def _parameters(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Those that are trained of the language model and of its head."""
    held = {
        name: value
        for name, value in model.model.get_decoder().named_parameters()
        if value.requires_grad
    }
    head = model.get_output_embeddings().weight
    own = head.requires_grad and not any(head is value for value in held.values())
    return held | {"head": head} if own else held
