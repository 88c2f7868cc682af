"""A study searches first, and its runs go by what was found."""

import json
import sys
from pathlib import Path

import pytest

from gistrec.config.load import load_config
from gistrec.config.study import StudyConfig
from gistrec.config.variants import written_value
from gistrec.errors import ConfigError, RunError
from gistrec.evaluation.study import load_study
from gistrec.pipeline.study.estimate import estimate
from gistrec.pipeline.study.plan import StudyPlan, plan_study
from gistrec.pipeline.study.run import run_study
from gistrec.pipeline.study.search import search_study, told_search

sys.path.append(str(Path(__file__).parents[1] / "search"))
from search_cases import TINY, drawn_log, named_users, shop

STUDY = """
name: tiny
title: A tiny study
seeds: [0, 1]
baselines: [popularity, ease]
systems:
  - {preset: itemknn, label: knn}
  - {preset: itemknn, label: knn / near, set: {baselines.itemknn.neighbours: 5}}
protocols: [sampled]
search: {trials: 3, systems: [ease, knn]}
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return shop(tmp_path / "dataset", drawn_log())


def study_of(tmp_path: Path, text: str = STUDY) -> StudyConfig:
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(StudyConfig, None, file)


def planned(tmp_path: Path, config: StudyConfig) -> StudyPlan:
    places = {"shop": tmp_path / "dataset"}
    return plan_study(config, tmp_path / "study", paths=places, overrides=TINY)


def test_the_runs_of_every_seed_go_by_what_was_found_under_the_first(
    dataset: Path, tmp_path: Path
) -> None:
    config = study_of(tmp_path)
    assert told_search(config) == ["searched first, 3 trials each, not in the sum: ease, knn"]
    plan = search_study(config, planned(tmp_path, config))
    record = run_study(plan, estimate(plan))
    assert [(one.system, one.trials) for one in record.searches] == [("ease", 3), ("knn", 3)]
    assert load_study(plan.folder).searches == record.searches
    l2 = json.dumps(record.searches[0].best["baselines.ease.l2"])
    near = json.dumps(record.searches[1].best["baselines.itemknn.neighbours"])
    assert near != "5"
    found = {
        (run.system, run.seed): (
            written_value(run.config, "baselines.ease.l2"),
            written_value(run.config, "baselines.itemknn.neighbours"),
            run.config.split.asks,
        )
        for run in plan.runs
    }
    own = "200"
    assert found == {
        (system, seed): (l2, neighbours, "test")
        for seed in (0, 1)
        for system, neighbours in [
            ("popularity", own),
            ("ease", own),
            ("knn", near),
            ("knn / near", "5"),
        ]
    }
    assert {run.state for run in record.runs} == {"done"}
    asked = named_users(plan.folder / "runs/shop/ease/seed-0/ranks")
    assert asked
    assert not asked & named_users(plan.folder / "searches")


def test_a_study_that_is_started_again_searches_no_more(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = study_of(tmp_path)
    first = search_study(config, planned(tmp_path, config))
    capsys.readouterr()
    again = search_study(config, planned(tmp_path, config))
    assert again == first
    assert "starts" not in capsys.readouterr().err


def test_a_search_of_other_settings_ends_the_study_and_what_changes_no_trial_does_not(
    dataset: Path, tmp_path: Path
) -> None:
    text = STUDY.replace("trials: 3, systems: [ease, knn]", "trials: 1, systems: [ease]")
    config = study_of(tmp_path, text)
    first = search_study(config, planned(tmp_path, config))
    text = text.replace("[sampled]", "[full, sampled]")
    more = study_of(tmp_path, f"{text}set: {{recommender.epochs: 7}}\n")
    assert search_study(more, planned(tmp_path, more)).searches == first.searches
    other = study_of(tmp_path, f"{text}set: {{baselines.ease.l2: 7.0}}\n")
    with pytest.raises(RunError, match="a search with other settings"):
        search_study(other, planned(tmp_path, other))


def test_a_label_that_the_study_has_not_cannot_be_searched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names eas; known: popularity, ease, knn"):
        study_of(tmp_path, STUDY.replace("[ease, knn]", "[eas]"))
    with pytest.raises(ConfigError, match="trails"):
        study_of(tmp_path, STUDY.replace("trials", "trails"))
