from dataclasses import replace

import pytest

from gistrec.bench.record import About, Record, as_json
from gistrec.bench.run import file_name
from gistrec.bench.scoring import ScoringGrid, bench_scoring
from gistrec.bench.ways import OTHERS
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone

GRID = ScoringGrid(candidates=(3,), prefixes=(12,), candidate_tokens=6, repeats=2, limit_seconds=30)


def test_every_way_is_held_against_ours(tiny_backbone: Backbone) -> None:
    found = list(bench_scoring(tiny_backbone, About.of("tiny", tiny_backbone), GRID))
    assert [(one.against, one.conditions.images) for one in found] == [
        (name, images) for images in (False, True) for name in OTHERS
    ]
    for one in as_json(found):
        assert set(one) == {
            "question",
            "against",
            "ours_seconds",
            "their_seconds",
            "ratio",
            "conditions",
        }
        conditions = one["conditions"]
        assert one["ratio"] == pytest.approx(one["their_seconds"] / one["ours_seconds"], rel=1e-3)
        assert conditions["backbone"] == "tiny"
        assert (conditions["candidates"], conditions["pairs_measured"]) == (3, 3)
        assert (conditions["prefix_tokens"], conditions["candidate_tokens"]) == (12, 6)
        assert conditions["repeats"] == conditions["their_repeats"] == 2
        assert conditions["tokens_per_second"] > conditions["candidates_per_second"] > 0
        assert conditions["share_of_peak"] is None
        if one["against"] == "plain-forward":
            assert conditions["score_difference"] is None
            assert conditions["token_ratio"] == 1.0
        else:
            assert conditions["score_difference"] < 1e-4
        branch = 6 + conditions["image_tokens"]
        if one["against"] == "one-batch":
            expected = 3 * (12 + branch) / (12 + 3 * branch)
            assert conditions["token_ratio"] == pytest.approx(expected, rel=1e-3)
        assert (conditions["seconds_per_image"] is not None) is conditions["images"]


def test_a_sample_of_pairs_is_scaled_and_told(tiny_backbone: Backbone) -> None:
    grid = ScoringGrid(
        candidates=(8,),
        prefixes=(12,),
        images=(False,),
        against=("one-by-one", "published"),
        candidate_tokens=6,
        limit_seconds=0,
    )
    one, published = bench_scoring(tiny_backbone, About.of("tiny", tiny_backbone), grid)
    assert (one.conditions.pairs_measured, published.conditions.pairs_measured) == (1, 6)
    assert one.conditions.their_repeats == 1
    assert one.ratio == pytest.approx(one.their_seconds / one.ours_seconds)


def test_chunks_are_a_setting_of_their_own(tiny_backbone: Backbone) -> None:
    grid = ScoringGrid(
        candidates=(3,),
        prefixes=(12,),
        images=(False,),
        against=("one-batch",),
        candidate_tokens=6,
        chunk_tokens=(6, 100),
        repeats=1,
    )
    found = list(bench_scoring(tiny_backbone, About.of("tiny", tiny_backbone), grid))
    assert [one.conditions.chunk_tokens for one in found] == [6, 100]


def test_seconds_are_a_users_also_where_several_are_scored_at_once(tiny_backbone: Backbone) -> None:
    grid = ScoringGrid(
        candidates=(3,),
        prefixes=(12,),
        images=(False,),
        against=("one-batch", "plain-forward"),
        candidate_tokens=6,
        users=(1, 64),
        repeats=3,
    )
    found = list(bench_scoring(tiny_backbone, About.of("tiny", tiny_backbone), grid))
    assert [one.conditions.users for one in found] == [1, 1, 64, 64]
    alone, _, together, plain = found
    # A user's, not a batch's; on a machine with other work the one may be held up, so no tighter.
    assert together.ours_seconds < 8 * alone.ours_seconds
    assert together.conditions.score_difference == pytest.approx(0, abs=1e-4)
    assert 0.1 < plain.ratio < 10  # both a user's


def test_a_prompt_longer_than_the_backbone_reads_is_refused(tiny_backbone: Backbone) -> None:
    grid = ScoringGrid(candidates=(3,), prefixes=(9000,), images=(False,))
    with pytest.raises(ConfigError, match="ask for a shorter prefix"):
        list(bench_scoring(tiny_backbone, About.of("tiny", tiny_backbone), grid))


@pytest.mark.parametrize(
    ("name", "device", "file"),
    [
        ("embedded", "AMD EPYC, 2 threads", "scoring-embedded-cpu.json"),
        ("qwen2.5-vl-7b", "NVIDIA H200", "scoring-qwen2.5-vl-7b-nvidia-h200.json"),
        ("./Some/Model", "NVIDIA L4", "scoring-some-model-nvidia-l4.json"),
    ],
)
def test_results_are_named_after_backbone_and_device(
    name: str, device: str, file: str, tiny_backbone: Backbone
) -> None:
    about = replace(About.of(name, tiny_backbone), device=device)
    assert file_name("scoring", name, [Record("?", "one-batch", 1.0, 2.0, 2.0, about)]) == file
