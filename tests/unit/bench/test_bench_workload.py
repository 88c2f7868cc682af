from dataclasses import replace

import pytest
import torch
from bench_cases import SHAPE, small_work

from gistrec.bench.workload import look_at_pictures, make_workload
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone

AROUND_IMAGE = 3  # a mark before, one that says it is whole, a mark behind


def test_prompts_are_as_long_as_asked(tiny_backbone: Backbone) -> None:
    plain = small_work(tiny_backbone, replace(SHAPE, images=False))
    assert len(plain.row.prefix.ids) == SHAPE.prefix
    assert [len(branch.ids) for branch in plain.row.branches] == [SHAPE.candidate] * 5
    assert (plain.image_tokens, plain.prepared) == (0, ())
    shown = small_work(tiny_backbone)
    assert shown.image_tokens == 2 * 2 + AROUND_IMAGE
    assert shown.prompt_tokens == SHAPE.prefix + SHAPE.candidate + shown.image_tokens
    assert [branch.codes for branch in shown.row.branches] == [(code,) for code in range(5)]
    assert len(shown.prepared) == 5


def test_prompts_stand_in_the_chats_frame(tiny_backbone: Backbone) -> None:
    work = small_work(tiny_backbone)
    for prompt in work.prompts:
        assert prompt.ids[: len(tiny_backbone.before)] == tiny_backbone.before
        assert prompt.ids[-len(tiny_backbone.after) :] == tiny_backbone.after


def test_the_words_are_drawn_alike_every_time_and_hold_no_marks(tiny_backbone: Backbone) -> None:
    work = small_work(tiny_backbone, replace(SHAPE, images=False))
    assert work.prompts == small_work(tiny_backbone, replace(SHAPE, images=False)).prompts
    assert len({branch.ids for branch in work.row.branches}) == SHAPE.candidates
    words = work.row.prefix.ids[len(tiny_backbone.before) :]
    assert not set(words) & {*tiny_backbone.end_ids, tiny_backbone.family.image_token_id}


def test_features_are_those_of_each_candidates_image(tiny_backbone: Backbone) -> None:
    pictures = look_at_pictures(tiny_backbone)
    work = make_workload(tiny_backbone, SHAPE, pictures)
    for code in range(SHAPE.candidates):
        found = work.features.of([code], torch.device("cpu"))
        assert found is not None
        assert torch.equal(found, pictures.features[code % len(pictures.features)])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"prefix": 1}, "a prefix of 1 tokens leaves no room"),
        ({"candidate": 2}, "a candidate of 2 tokens leaves no room"),
        ({"prefix": 9000, "candidate": 50}, "is more than the 8192 that the backbone reads"),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    changed: dict[str, int], told: str, tiny_backbone: Backbone
) -> None:
    with pytest.raises(ConfigError, match=told):
        small_work(tiny_backbone, replace(SHAPE, images=False, **changed))
