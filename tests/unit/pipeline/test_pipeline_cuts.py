import pytest

from gistrec.config.load import load_config
from gistrec.config.recommender import RecommenderConfig
from gistrec.config.system import SystemConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.prompts import Nouns
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.cuts import tell_shortened
from gistrec.recommender.prompter import Prompter

LONG, SHORT = ["red " * 99, "blue " * 99], ["red", "blue"]


@pytest.mark.parametrize(
    ("gists", "titles", "settings", "told"),
    [
        (LONG, ["mug", "sofa " * 99], [], "2 gists and 1 title are cut"),
        (SHORT, ["mug", "sofa " * 99], [], "recommender: 1 title is cut"),
        (SHORT, ["mug", "sofa"], [], ""),
        (LONG, LONG, ["recommender.candidate=[image, gist]"], "recommender: 2 gists are cut"),
    ],
)
def test_what_is_cut_is_counted(
    tiny_backbone: Backbone,
    capsys: pytest.CaptureFixture[str],
    gists: list[str],
    titles: list[str],
    settings: list[str],
    told: str,
) -> None:
    config = load_config(SystemConfig, "mmsrarec", None, settings)
    tell_shortened("recommender", asking(tiny_backbone, gists, titles), config)
    said = capsys.readouterr().err
    assert told in said if told else not said


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ([], False),  # the taste stands for the history, the title for the candidate
        (["recommender.history=1"], True),
        (["collab.neighbours=1"], True),
        (["recommender.candidate=[gist]"], True),
        (["recommender.tasks.next_gist=0.1"], True),
    ],
)
def test_gists_that_no_prompt_shows_are_not_told_of(
    tiny_backbone: Backbone, capsys: pytest.CaptureFixture[str], settings: list[str], shown: bool
) -> None:
    config = load_config(SystemConfig, "mllm-msr", None, settings)
    tell_shortened("recommender", asking(tiny_backbone, LONG, SHORT), config)
    assert ("2 gists are cut" in capsys.readouterr().err) is shown


def asking(backbone: Backbone, gists: list[str], titles: list[str]) -> Prompter:
    config = RecommenderConfig(max_gist_tokens=8)
    return Prompter(backbone, Nouns("item", "chose"), titles, gists, ImageFeatures.none(2), config)
