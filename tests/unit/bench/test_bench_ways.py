"""Every way that is timed does the same work: it gives the same scores."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bench_cases import SHAPE, small_work

from families.registry import TINY
from gistrec.bench.causal import score_plainly, score_separately
from gistrec.bench.published import score_as_published
from gistrec.bench.ways import OTHERS, Room, other, ours
from gistrec.config.backbone import BackboneConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.loading import load_backbone

TOLERANCE = 1e-4
PLENTY = Room(in_time=1000, in_memory=1000)


@pytest.fixture(scope="module", params=list(TINY))
def backbone(request: pytest.FixtureRequest, family_folder: Callable[[str], Path]) -> Backbone:
    return load_backbone(family_folder(request.param), BackboneConfig(device="cpu"))


@pytest.mark.parametrize("images", [False, True])
def test_all_ways_give_the_same_scores(backbone: Backbone, images: bool) -> None:
    work = small_work(backbone, replace(SHAPE, prefix=40, candidate=12, images=images))
    mine = ours(backbone, work, chunk_tokens=10_000).score()
    assert mine.std() > 100 * TOLERANCE
    for name in OTHERS:
        if name == "plain-forward":
            continue
        theirs = other(name, backbone, work, PLENTY, answer_tokens=2).score()
        assert torch.allclose(mine, theirs, atol=TOLERANCE), name
    in_chunks = ours(backbone, work, chunk_tokens=2 * len(work.row.branches[0].ids)).score()
    assert torch.allclose(mine, in_chunks, atol=TOLERANCE)


def test_prompts_of_different_lengths_share_a_batch(tiny_backbone: Backbone) -> None:
    shorter = small_work(tiny_backbone)
    longer = small_work(tiny_backbone, replace(SHAPE, prefix=31))
    prompts = [*shorter.prompts, *longer.prompts]
    together = score_separately(tiny_backbone, prompts, longer.features, batch=len(prompts))
    alone = score_separately(tiny_backbone, prompts, longer.features, batch=1)
    assert torch.allclose(together, alone, atol=TOLERANCE)


def test_a_plain_forward_differs_behind_the_first_candidate(tiny_backbone: Backbone) -> None:
    work = small_work(tiny_backbone)
    mine = ours(tiny_backbone, work, chunk_tokens=10_000).score()
    plain = score_plainly(tiny_backbone, [work.row], work.features)
    assert plain.shape == mine.shape
    assert torch.allclose(plain[0], mine[0], atol=TOLERANCE)
    assert (plain[1:] - mine[1:]).abs().max() > TOLERANCE


def test_the_published_way_generates_as_many_tokens_as_it_is_told(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = small_work(tiny_backbone)
    lengths = []
    generate = tiny_backbone.model.generate

    def noted(**inputs: torch.Tensor) -> torch.Tensor:
        found = generate(**inputs)
        lengths.append(found.sequences.shape[1] - inputs["input_ids"].shape[1])
        return found

    monkeypatch.setattr(tiny_backbone.model, "generate", noted)
    for tokens in (2, 30):
        score_as_published(tiny_backbone, work.prompts, work.prepared, tokens, batch=3)
    assert lengths == [2, 2, 30, 30]


@pytest.mark.parametrize(
    ("name", "room", "pairs", "batch"),
    [
        ("one-batch", Room(1000, 1000), 20, 20),
        ("one-batch", Room(1000, 8), 20, 8),
        ("one-batch", Room(4, 1000), 4, 4),
        ("one-batch", Room(1, 1), 2, 1),
        ("one-by-one", Room(4, 1000), 4, 1),
        ("one-by-one", Room(0, 0), 1, 1),
        ("published", Room(1000, 1000), 20, 6),
        ("published", Room(15, 1000), 12, 6),
        ("published", Room(1, 1000), 6, 6),
        ("plain-forward", Room(0, 0), 20, 20),
    ],
)
def test_a_sample_is_as_large_as_time_and_memory_allow(
    name: str, room: Room, pairs: int, batch: int, tiny_backbone: Backbone
) -> None:
    work = small_work(tiny_backbone, replace(SHAPE, candidates=20, images=False))
    way = other(name, tiny_backbone, work, room, answer_tokens=2)  # type: ignore[arg-type]
    assert (way.pairs, way.batch) == (pairs, batch)
    assert way.score().shape == (pairs,)


def test_tokens_are_those_of_all_candidates(tiny_backbone: Backbone) -> None:
    work = small_work(tiny_backbone, replace(SHAPE, candidates=20, images=False))
    few = Room(1, 1)
    assert ours(tiny_backbone, work, 10_000).tokens == 20 + 20 * 7
    assert other("plain-forward", tiny_backbone, work, few, 2).tokens == 20 + 20 * 7
    assert other("one-batch", tiny_backbone, work, few, 2).tokens == 20 * (20 + 7)
    assert other("published", tiny_backbone, work, few, 2).tokens == 20 * (20 + 7 + 2 - 1)
