"""Studies in which systems are taken over from another data set, or from another view of one."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gistrec.config.bazaar import BazaarConfig
from gistrec.config.study import StudyConfig, load_study_config
from gistrec.data.bazaar.make import write_bazaar
from gistrec.errors import ConfigError
from gistrec.pipeline.study.estimate import estimate
from gistrec.pipeline.study.plan import StudyPlan, plan_study
from gistrec.pipeline.study.search import _goes_by

FROM = {"system": "mmsrarec", "dataset": "one"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources") / "shop"
    write_bazaar(folder, BazaarConfig(users=30, items=60))
    return folder


def study(**settings: object) -> StudyConfig:
    taken = {"preset": "mmsrarec", "label": "moved", "on": "two", "from_run": FROM}
    told: dict[str, object] = {
        "name": "mine",
        "title": "Mine",
        "datasets": [{"name": "two"}, {"name": "one", "set": {"dataset.part": "first-half"}}],
        "systems": [taken, "mmsrarec"],
    }
    return StudyConfig.model_validate(told | settings)


def planned(config: StudyConfig, shop: Path, *names: str) -> StudyPlan:
    return plan_study(config, Path("nowhere"), paths=dict.fromkeys(names, shop), seeds=[3])


def test_who_is_taken_over_is_made_first_with_the_same_seed(shop: Path) -> None:
    plan = planned(study(), shop, "one", "two")
    made = [(run.dataset, run.system) for run in plan.runs]
    assert made == [("two", "mmsrarec"), ("one", "mmsrarec"), ("two", "moved")]
    source, moved = plan.runs[1], plan.runs[2]
    assert moved.config.recommender.from_run == Path("nowhere", source.folder).resolve()
    assert source.config.recommender.from_run is None
    assert source.folder == "runs/one/mmsrarec/seed-3"


def test_settings_of_a_dataset_are_those_of_every_run_on_it(shop: Path) -> None:
    plan = planned(study(), shop, "one", "two")
    parts = {run.dataset: run.config.dataset.part for run in plan.runs}
    assert parts == {"one": "first-half", "two": "whole"}


def test_without_its_source_a_system_is_left_out(shop: Path) -> None:
    plan = planned(study(), shop, "two")
    assert [run.system for run in plan.runs] == ["mmsrarec"]
    assert "moved: it is taken over from one" in plan.left_out
    plan = planned(study(), shop, "one")
    assert "moved: it runs on two alone" in plan.left_out


def test_where_its_source_does_not_run_a_system_is_left_out(shop: Path) -> None:
    taken = {"preset": "mmsrarec", "label": "moved", "from_run": {"system": "mmsrarec"}}
    config = study(systems=[{"preset": "mmsrarec", "on": "one"}, taken])
    plan = planned(config, shop, "one", "two")
    assert [(run.dataset, run.system) for run in plan.runs] == [
        ("one", "mmsrarec"),
        ("one", "moved"),
    ]
    assert plan.left_out == ("moved on two: mmsrarec does not run on two",)


def test_what_has_no_recommender_takes_none_over(shop: Path) -> None:
    taken = {"preset": "hm4sr", "label": "moved", "from_run": {"system": "mmsrarec"}}
    with pytest.raises(ConfigError, match=r"moved: from_run takes over .* and hm4sr has none"):
        planned(study(systems=["mmsrarec", taken]), shop, "one")


def test_what_is_taken_over_goes_by_what_was_found_of_its_source(shop: Path) -> None:
    nested = {"preset": "mmsrarec", "label": "mmsrarec / deaf", "ablate": "without-rlvr"}
    moved = {"preset": "mmsrarec", "label": "moved", "on": "two", "from_run": FROM}
    config = study(systems=["mmsrarec", nested, moved], baselines=["sasrec"])
    plan = planned(config, shop, "one", "two")

    def going_by(*searched: str) -> set[tuple[str, str]]:
        dataset, label = searched
        runs = [run for run in plan.runs if _goes_by(run, (dataset, label), config)]
        return {(run.dataset, run.system) for run in runs}

    assert going_by("one", "mmsrarec") == {("one", "mmsrarec"), ("two", "moved")}
    assert going_by("two", "mmsrarec") == {("two", "mmsrarec")}
    deaf = {("one", "mmsrarec / deaf"), ("one", "mmsrarec / deaf / without-rlvr")}
    assert going_by("one", "mmsrarec / deaf") == deaf
    on_two = {(run.dataset, run.system) for run in plan.runs if run.dataset == "two"}
    assert going_by("two", "sasrec") == on_two
    with pytest.raises(ValidationError, match="names moved, which is taken over"):
        study(systems=["mmsrarec", moved], search={"systems": ["moved"]})


def test_only_what_is_fine_tuned_can_be_taken_over() -> None:
    chain = {"preset": "mmsrarec", "label": "again", "from_run": {"system": "moved"}}
    moved = {"preset": "mmsrarec", "label": "moved", "from_run": FROM}
    for systems in ([moved], ["mmsrarec", moved, chain]):
        with pytest.raises(ValidationError, match="takes over from"):
            study(systems=systems)


def test_what_is_taken_over_costs_nothing_here_and_what_is_told_of_it_is_made_anew(
    shop: Path,
) -> None:
    moved = estimate(planned(study(), shop, "one", "two"))[-1]
    shared = {stage.name: stage.shared for stage in moved.stages}
    assert shared["backbone"]
    assert shared["recommender"]
    assert shared["split"]
    assert not shared["gist"]
    assert not shared["collab"]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_study_that_comes_with_gistrec_moves_between_halves(seed: int) -> None:
    plan = plan_study(load_study_config("transfer"), Path("nowhere"), seeds=[seed])
    moved = [run for run in plan.runs if run.config.recommender.from_run is not None]
    assert {run.dataset for run in moved} == {"first-half", "second-half"}
    for run in moved:
        named = run.config.recommender.from_run
        assert named is not None
        (source,) = (
            other for other in plan.runs if Path("nowhere", other.folder).resolve() == named
        )
        assert source.dataset != run.dataset
        assert source.config.dataset.seed == run.config.dataset.seed == seed
        assert source.config.backbone.embedded == run.config.backbone.embedded
        assert not run.config.fusion.on


def test_a_trained_system_is_asked_without_its_images() -> None:
    plan = plan_study(load_study_config("knock-out"), Path("nowhere"), seeds=[0])
    asked = {run.system: run for run in plan.runs if run.config.recommender.from_run is not None}
    run = asked["mmsrarec / images withheld when asked"]
    assert run.config.dataset.withhold == "images"
    assert run.config.recommender.from_run == Path("nowhere/runs/bazaar/mmsrarec/seed-0").resolve()
