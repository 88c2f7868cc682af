import pytest

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.config.variants import LEAN, MLLM_MSR
from gistrec.pipeline.collab import collab_settings


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        ([], True),
        (["collab.neighbours=0"], True),  # for the encoder's evidence
        (["evidence.kinds=[shared]"], True),  # for the neighbours
        (["collab.neighbours=0", "evidence.kinds=[shared]"], False),
        (["recommender.epochs=0"], False),
    ],
)
def test_encoders_out_of_fold_are_trained_where_training_prompts_need_them(
    asked: list[str], needed: bool
) -> None:
    assert collab_settings(load_config(SystemConfig, "mmsrarec", None, asked)).out_of_fold is needed


def test_a_fusion_that_is_off_leaves_the_stage_to_be_taken_over() -> None:
    settings = [
        collab_settings(load_config(SystemConfig, "mmsrarec", None, asked))
        for asked in ([], ["fusion.on=false"], ["evidence.kinds=[]"])
    ]
    assert settings[0] == settings[1] == settings[2]


def test_variants_that_change_no_gist_rank_what_the_full_system_does() -> None:
    """The stage that retrieves candidates, and the gists that it compares, are taken over."""
    full = load_config(SystemConfig, "mllm-msr")
    lent = []
    for variant in MLLM_MSR:
        config = load_config(SystemConfig, "mllm-msr", None, [*variant.overrides, *LEAN])
        assert (config.split, config.evaluation) == (full.split, full.evaluation)
        assert config.backbone == full.backbone
        same_gists = config.gist.deciding() == full.gist.deciding()
        assert same_gists is (variant.name != "without-image-summary")
        if collab_settings(config) == collab_settings(full) and same_gists:
            lent.append(variant.name)
    assert lent == ["direct", "recent-history", "text-only"]
