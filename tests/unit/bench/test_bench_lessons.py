from collections.abc import Callable

import torch
from bench_cases import SHAPE, small_work

from gistrec.bench.lessons import pairs_loss, row_loss
from gistrec.mllm.backbone import Backbone


def gradients(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {
        name: value.grad.clone()
        for name, value in backbone.model.named_parameters()
        if value.grad is not None
    }


def test_a_prompt_for_each_pair_teaches_what_the_packed_row_teaches(
    fresh_backbone: Callable[[], Backbone],
) -> None:
    backbone = fresh_backbone()
    work = small_work(backbone)
    negatives = SHAPE.candidates - 1
    packed = row_loss(backbone, [work.row], work.features, "pairwise")
    packed.backward()
    theirs = gradients(backbone)
    for batch in (1, 2, SHAPE.candidates):
        backbone.model.zero_grad()
        losses = []
        for first in range(0, SHAPE.candidates, batch):
            prompts = work.prompts[first : first + batch]
            loss = pairs_loss(backbone, prompts, work.features, first, negatives)
            loss.backward()
            losses.append(loss.item())
        assert abs(sum(losses) - packed.item()) < 1e-5
        found = gradients(backbone)
        assert found.keys() == theirs.keys()
        for name, gradient in found.items():
            assert torch.allclose(gradient, theirs[name], atol=1e-5), name


def test_the_listwise_loss_is_of_the_row_as_a_whole(tiny_backbone: Backbone) -> None:
    work = small_work(tiny_backbone)
    with torch.no_grad():
        listwise = row_loss(tiny_backbone, [work.row], work.features, "listwise")
        pairwise = row_loss(tiny_backbone, [work.row], work.features, "pairwise")
    assert listwise > 0
    assert (listwise - pairwise).abs() > 1e-3
