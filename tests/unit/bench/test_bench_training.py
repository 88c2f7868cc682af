from collections.abc import Callable

import pytest
import torch

from gistrec.bench.record import About, as_json
from gistrec.bench.training import TRAINING_OTHERS, TrainingGrid, bench_training
from gistrec.mllm.backbone import Backbone

GRID = TrainingGrid(prefixes=(12,), negatives=2, candidate_tokens=6, repeats=2, limit_seconds=30)


def test_every_way_is_held_against_ours(fresh_backbone: Callable[[], Backbone]) -> None:
    backbone = fresh_backbone()
    found = list(bench_training(backbone, About.of("tiny", backbone), GRID))
    assert [(one.against, one.conditions.images) for one in found] == [
        (name, images) for images in (False, True) for name in TRAINING_OTHERS
    ]
    steps = {"one-batch": 3, "published": 8}
    for one in as_json(found):
        conditions = one["conditions"]
        assert (conditions["candidates"], conditions["negatives"]) == (3, 2)
        assert conditions["pairs_measured"] == conditions["pairs_a_step"] == 3
        assert conditions["their_pairs_a_step"] == steps[one["against"]]
        assert conditions["their_batch"] == {"one-batch": 3, "published": 1}[one["against"]]
        assert conditions["samples_per_second"] == pytest.approx(3 / one["ours_seconds"], rel=1e-3)
        assert one["ratio"] == pytest.approx(
            conditions["samples_per_second"] / conditions["their_samples_per_second"], rel=1e-3
        )
        branch = 6 + conditions["image_tokens"]
        expected = 3 * (12 + branch) / (12 + 3 * branch)
        assert conditions["token_ratio"] == pytest.approx(expected, rel=1e-3)
        assert 0 < conditions["update_seconds"] < one["ours_seconds"]


def test_the_language_model_is_trained_and_the_eyes_are_not(
    fresh_backbone: Callable[[], Backbone],
) -> None:
    backbone = fresh_backbone()
    before = {name: value.clone() for name, value in backbone.model.named_parameters()}
    grid = TrainingGrid(prefixes=(12,), images=(True,), negatives=2, candidate_tokens=6, repeats=1)
    found = list(bench_training(backbone, About.of("tiny", backbone), grid))
    changed = {
        name
        for name, value in backbone.model.named_parameters()
        if not torch.equal(value, before[name])
    }
    eyes = {id(value) for part in backbone.eyes for value in part.parameters()}
    told = dict(backbone.model.named_parameters())
    assert changed
    assert not [name for name in changed if id(told[name]) in eyes]
    trained = sum(value.numel() for value in told.values() if id(value) not in eyes)
    assert found[0].conditions.trained_parameters == trained
    assert not any(value.grad is not None for value in told.values())


def test_a_sample_of_pairs_is_scaled_and_told(fresh_backbone: Callable[[], Backbone]) -> None:
    backbone = fresh_backbone()
    grid = TrainingGrid(
        prefixes=(12,), images=(False,), negatives=4, candidate_tokens=6, limit_seconds=0
    )
    for one in bench_training(backbone, About.of("tiny", backbone), grid):
        assert one.conditions.pairs_measured == 2
        assert one.conditions.their_repeats == 1
