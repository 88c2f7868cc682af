"""A study's file: what it holds, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from gistrec.config.study import (
    StudyConfig,
    as_folder,
    available_studies,
    load_study_config,
    profile_file,
)
from gistrec.errors import ConfigError

WHOLE = """
name: mine
title: My study
datasets:
  - {name: shop, bazaar: {users: 30, items: 40}}
  - {name: logs, path: /data/logs}
seeds: [3, 5]
profile: small
systems:
  - mmsrarec
  - {preset: mllm-msr, label: blind, set: {dataset.withhold: images}, ablate: direct}
baselines: [popularity]
protocols: [sampled]
set:
  recommender.epochs: 3
  recommender.candidate: [title, gist]
  baselines.sasrec: {negatives: null, architecture: sasrec}
"""


def loaded(folder: Path, text: str) -> StudyConfig:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return load_study_config(str(file))


def test_a_study_is_read_with_its_short_forms(tmp_path: Path) -> None:
    study = loaded(tmp_path, WHOLE)
    assert [data.name for data in study.datasets] == ["shop", "logs"]
    assert study.datasets[0].bazaar is not None
    assert study.datasets[0].bazaar.users == 30
    assert [system.name for system in study.systems] == ["mmsrarec", "blind"]
    assert study.systems[1].ablate == ("direct",)
    assert study.systems[1].set == ('dataset.withhold="images"',)
    assert study.set == (
        "recommender.epochs=3",
        'recommender.candidate=["title", "gist"]',
        'baselines.sasrec={"negatives": null, "architecture": "sasrec"}',
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("baselines: [popularity]", "baseline: [popularity]", "did you mean baselines"),
        ("seeds: [3, 5]", "seeds: [3, 3]", "seeds: 3 stands twice"),
        ("label: blind", "lable: blind", "systems.lable, entry 2; did you mean systems.label"),
        ("label: blind", "label: mmsrarec", "labels of systems: mmsrarec stands twice"),
        ("path: /data/logs", "path: /x, bazaar: {}", "has a path and a bazaar"),
        ("users: 30", "users: none", "datasets.bazaar.users, entry 1 = 'none'"),
        ("recommender.epochs: 3", "recommender epochs: 3", "is no stage.key"),
        ("protocols: [sampled]", "protocols: [everything]", "protocols, entry 1 = 'everything'"),
        ("name: mine", "name: my/study", "name = 'my/study': a folder is called so"),
        ("name: shop", "name: my shop", "datasets.name, entry 1 = 'my shop': a folder"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in WHOLE
    with pytest.raises(ConfigError) as fault:
        loaded(tmp_path, WHOLE.replace(old, new, 1))
    assert told in str(fault.value)
    assert str(tmp_path / "study.yaml") in str(fault.value)


def test_a_list_with_an_unknown_entry_is_not_called_too_short_as_well(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as fault:
        loaded(tmp_path, WHOLE.replace("protocols: [sampled]", "protocols: [everything]"))
    assert len(str(fault.value).splitlines()) == 1


def test_a_study_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name one at least"):
        loaded(tmp_path, "name: empty\ntitle: Nothing\n")


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"did you mean honest\?"):
        load_study_config("honst")


@pytest.mark.parametrize("name", available_studies())
def test_a_study_that_comes_along_is_called_as_its_file(name: str) -> None:
    assert load_study_config(name).name == name


def test_a_profile_of_its_own_system_comes_first() -> None:
    assert profile_file("small", "mllm-msr").name == "small-mllm-msr.yaml"
    assert profile_file("small", "mllm-msr-paper").name == "small-mllm-msr.yaml"
    assert profile_file("small", "sasrec").name == "small.yaml"
    with pytest.raises(ConfigError, match="no profile is called 'tiny'"):
        profile_file("tiny", "sasrec")


def test_labels_become_folders() -> None:
    assert as_folder("mmsrarec / images withheld") == "mmsrarec-images-withheld"
    assert as_folder("../..") == "system"
