import pytest

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
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
