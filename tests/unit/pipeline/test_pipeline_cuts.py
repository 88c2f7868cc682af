import pytest

from gistrec.config.recommender import RecommenderConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.prompts import Nouns
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.cuts import tell_shortened
from gistrec.recommender.prompter import Prompter


@pytest.mark.parametrize(
    ("gists", "titles", "told"),
    [
        (["red " * 99, "blue " * 99], ["mug", "sofa " * 99], "2 gists and 1 title are cut"),
        (["red", "blue"], ["mug", "sofa " * 99], "recommender: 1 title is cut"),
        (["red", "blue"], ["mug", "sofa"], ""),
    ],
)
def test_what_is_cut_is_counted(
    tiny_backbone: Backbone,
    capsys: pytest.CaptureFixture[str],
    gists: list[str],
    titles: list[str],
    told: str,
) -> None:
    config = RecommenderConfig(max_gist_tokens=8)
    tell_shortened(
        "recommender",
        Prompter(
            tiny_backbone, Nouns("item", "chose"), titles, gists, ImageFeatures.none(2), config
        ),
    )
    said = capsys.readouterr().err
    assert told in said if told else not said
