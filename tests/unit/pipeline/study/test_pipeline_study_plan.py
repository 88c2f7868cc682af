"""What a study will run, and what it is expected to cost."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gistrec.config.bazaar import BazaarConfig
from gistrec.config.study import StudyConfig, available_studies, load_study_config
from gistrec.config.system import SystemConfig
from gistrec.data.bazaar.make import write_bazaar
from gistrec.errors import ConfigError, DataError
from gistrec.pipeline.study.costs import DataSize, expected_seconds, size_of
from gistrec.pipeline.study.estimate import estimate
from gistrec.pipeline.study.places import parse_datasets
from gistrec.pipeline.study.plan import StudyPlan, plan_study
from gistrec.pipeline.study.table import plan_table, told_sum

SHOP = BazaarConfig(users=30, items=60)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "shop"
    write_bazaar(folder, SHOP)
    return folder


def study(**settings: object) -> StudyConfig:
    told: dict[str, object] = {"name": "mine", "title": "Mine", "baselines": ["popularity"]}
    return StudyConfig.model_validate(told | settings)


def planned(config: StudyConfig, shop: Path, *overrides: str) -> StudyPlan:
    return plan_study(config, Path("nowhere"), paths={"shop": shop}, overrides=overrides)


def test_every_system_runs_on_every_dataset_with_every_seed_baselines_first(shop: Path) -> None:
    config = study(systems=["mmsrarec"], seeds=[4, 7])
    plan = plan_study(config, Path("nowhere"), paths={"one": shop, "two": shop})
    assert [(run.dataset, run.seed, run.system) for run in plan.runs] == [
        (dataset, seed, system)
        for dataset in ("one", "two")
        for seed in (4, 7)
        for system in ("popularity", "mmsrarec")
    ]
    assert plan.runs[-1].folder == "runs/two/mmsrarec/seed-7"
    assert plan.runs[-1].config.split.seed == plan.runs[-1].config.recommender.seed == 7
    assert plan.runs[-1].config.baselines.names == ()  # they have runs of their own
    assert not Path("nowhere").exists()


def test_later_settings_win_study_system_command_line(shop: Path) -> None:
    config = study(
        baselines=[],
        profile="small",
        set={"recommender.epochs": 5, "recommender.history": 6, "recommender.negatives": 7},
        systems=[
            {"preset": "mmsrarec", "set": {"recommender.epochs": 9, "recommender.history": 9}}
        ],
        protocols=["sampled"],
    )
    (run,) = planned(config, shop, "recommender.history=2").runs
    found = run.config.recommender
    assert (found.negatives, found.epochs, found.history) == (7, 9, 2)
    assert run.config.evaluation.protocols == ("sampled",)
    assert run.config.gist.encoder == "lsa"  # the profile's


def test_ablations_are_systems_and_those_that_change_nothing_are_left_out(shop: Path) -> None:
    full = {"preset": "mmsrarec", "set": {"gist.tuning.kind": "none"}}
    config = study(systems=[full | {"ablate": ["without-rlvr", "without-fine-tuning"]}])
    plan = planned(config, shop)
    assert [run.system for run in plan.runs][1:] == ["mmsrarec", "mmsrarec / without-fine-tuning"]
    assert plan.runs[-1].config.recommender.epochs == 0
    assert not plan.runs[-1].config.fusion.on
    assert plan.left_out == ("mmsrarec / without-rlvr: mmsrarec is so already",)


def test_data_without_a_folder_is_left_out_and_asked_for(shop: Path, tmp_path: Path) -> None:
    config = study(datasets=[{"name": "shop"}, {"name": "films"}])
    plan = planned(config, shop)
    assert [place.name for place in plan.datasets] == ["shop"]
    assert plan.left_out == ("dataset films: no folder, give --datasets films=DIR",)
    with pytest.raises(ConfigError, match="--datasets shop=DIR,films=DIR"):
        plan_study(config, tmp_path)
    with pytest.raises(DataError, match="no dataset"):
        plan_study(config, tmp_path, paths={"films": tmp_path})


def test_only_the_wanted_data_are_run_on(shop: Path) -> None:
    config = study(datasets=[{"name": "made", "bazaar": {}}])
    plan = plan_study(config, Path("nowhere"), paths={"shop": shop}, only=["shop"])
    assert {run.dataset for run in plan.runs} == {"shop"}
    with pytest.raises(ConfigError, match=r"no such dataset\. Known: made, shop"):
        plan_study(config, Path("nowhere"), paths={"shop": shop}, only=["films"])


def test_data_that_cannot_be_read_are_told_of(tmp_path: Path) -> None:
    for name in ("items.parquet", "interactions.parquet"):
        (tmp_path / name).write_bytes(b"no parquet")
    with pytest.raises(DataError, match="gistrec data check"):
        estimate(plan_study(study(), Path("nowhere"), paths={"shop": tmp_path}))


def test_a_refused_setting_names_study_and_system(shop: Path) -> None:
    config = study(systems=[{"preset": "mmsrarec", "set": {"recommender.epoch": 1}}])
    with pytest.raises(ConfigError) as fault:
        planned(config, shop)
    assert "study mine, mmsrarec" in str(fault.value)
    assert "did you mean recommender.epochs" in str(fault.value)


@pytest.mark.parametrize("text", ["shop", "shop=", "=x", "a=x,a=y", "a/b=x"])
def test_datasets_that_are_no_names_and_folders_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--datasets"):
        parse_datasets(text)


def test_datasets_are_named_on_the_command_line() -> None:
    assert parse_datasets("a=/x, b=y z") == {"a": Path("/x"), "b": Path("y z")}


@pytest.mark.parametrize("name", available_studies())
def test_every_study_that_comes_along_can_be_planned_and_priced(name: str, shop: Path) -> None:
    config = load_study_config(name)
    paths = {data.name: shop for data in config.datasets if data.bazaar is None} or {"shop": shop}
    plan = plan_study(config, Path("nowhere"), paths=paths, seeds=[0])
    parts = estimate(plan)
    assert len(parts) == len(plan.runs) > 1
    assert all(part.known for part in parts)
    assert "expected" in told_sum(parts)


@pytest.mark.parametrize(("width", "out"), [(80, True), (160, False)])
def test_the_plan_says_what_each_run_costs_on_a_terminal_of_any_width(
    shop: Path, width: int, out: bool
) -> None:
    config = study(
        systems=[{"preset": "mmsrarec", "label": "mmsrarec / images withheld when asked"}]
    )
    console = Console(width=width, file=StringIO())
    with console.capture() as captured:
        console.print(plan_table(estimate(planned(config, shop)), "Mine", width))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    assert all(name in lines[2] for name in ("dataset", "system", "seed", "expected"))
    assert ("shares" not in lines[2]) == out
    assert ("too narrow for shares, makes" in captured.get()) == out
    assert "mmsrarec / images withheld when asked" in captured.get()


def test_what_is_no_longer_told_apart_from_another_transfer_is_left_out(shop: Path) -> None:
    source = {"system": "mmsrarec"}
    floor = {"label": "floor", "from_run": source, "set": {"recommender.epochs": 0}}
    moved = [{"preset": "mmsrarec", "label": "moved", "from_run": source}]
    config = study(systems=["mmsrarec", *moved, {"preset": "mmsrarec", **floor}])
    assert planned(config, shop).left_out == ()
    (told,) = planned(config, shop, "recommender.epochs=1").left_out
    assert told == "floor: with these settings it is moved"


def test_a_bazaar_that_is_not_made_yet_has_the_size_that_it_will_have(shop: Path) -> None:
    before, after = size_of(Path("nowhere"), SHOP), size_of(shop, None)
    assert (before.users, before.items, before.oracle) == (30, 60, True)
    assert (after.users, after.items, after.oracle) == (30, 60, True)
    assert before.interactions == pytest.approx(after.interactions, rel=0.2)


def test_more_work_is_expected_to_take_longer() -> None:
    size = DataSize(1000, 500, 10_000, False)
    twice = DataSize(2000, 500, 20_000, False)
    config = SystemConfig(name="any")
    for stage in ("baseline-sasrec", "collab", "evaluation-any", "taste"):
        some, more = (expected_seconds(stage, config, each) for each in (size, twice))
        assert some is not None
        assert more == pytest.approx(2 * some), stage


def test_what_a_named_backbone_takes_nobody_knows_until_it_is_measured() -> None:
    size = DataSize(1000, 500, 10_000, False)
    config = SystemConfig.model_validate({"name": "any", "backbone": {"model": "/some/model"}})
    assert expected_seconds("recommender", config, size) is None
    assert expected_seconds("baseline-ease", config, size) is not None
    measured = expected_seconds("recommender", config, size, rate=0.5)
    windows = 10_000 * 0.8  # training users' share
    assert measured == pytest.approx(0.5 * windows * config.recommender.epochs)


def test_stages_that_agree_in_all_that_decides_them_are_shared(shop: Path) -> None:
    blind = {"preset": "mmsrarec", "label": "blind", "set": {"dataset.withhold": "images"}}
    faster = {"preset": "mmsrarec", "label": "faster", "set": {"recommender.learning_rate": 0.1}}
    config = study(systems=["mmsrarec", blind, faster], baselines=["sasrec", "hm4sr"])
    parts = {part.run.system: part for part in estimate(planned(config, shop))}
    shared = {
        name: {stage.name for stage in part.stages if stage.shared} for name, part in parts.items()
    }
    assert {"split", "baseline-sasrec", "backbone"} <= shared["mmsrarec"]
    assert "gist" not in shared["mmsrarec"]
    # Images are no part of a log: its split is stored anew, what is trained on it is not.
    assert shared["blind"] == {"baseline-sasrec"}
    assert {"gist-tuning", "gist", "collab"} <= shared["faster"]
    assert "recommender" not in shared["faster"]


def test_other_seeds_share_nothing(shop: Path) -> None:
    parts = estimate(planned(study(seeds=[0, 1]), shop))
    assert [stage.name for part in parts for stage in part.stages if stage.shared] == []
