from pathlib import Path

import pytest
from pydantic import BaseModel

from gistrec.config.load import load_config, save_config
from gistrec.config.system import SystemConfig
from gistrec.errors import RunError
from gistrec.pipeline.manifest import MADE, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.states import expected_stages, missing_stages, refuse_stale, stage_states
from gistrec.pipeline.workplace import note_dataset, noted_dataset


class Settings(BaseModel):
    seed: int = 0


def make(run: Path, name: str, inputs: dict[str, str], seed: int = 0, made: str = "") -> None:
    run_stage(run, name, Settings(seed=seed), inputs, lambda _: {MADE: made} if made else None)


def states(run: Path) -> dict[str, str]:
    return {state.name: state.state for state in stage_states(run)}


def test_a_stage_may_name_its_input_by_how_it_was_made_or_by_what_it_is(tmp_path: Path) -> None:
    make(tmp_path, "split", {}, made="content")
    make(tmp_path, "gist", {"split": stage_fingerprint(tmp_path / "split")})
    make(tmp_path, "collab", {"split": "content"})
    assert states(tmp_path) == {"split": "done", "gist": "done", "collab": "done"}


def test_what_was_made_from_something_else_is_stale(tmp_path: Path) -> None:
    make(tmp_path, "split", {}, made="content")
    make(tmp_path, "collab", {"split": "content"})
    make(tmp_path, "split", {}, seed=1, made="other content")
    assert states(tmp_path) == {"split": "done", "collab": "stale"}


def test_the_same_content_made_another_way_leaves_later_stages_fresh(tmp_path: Path) -> None:
    make(tmp_path, "split", {}, made="content")
    make(tmp_path, "collab", {"split": "content"})
    make(tmp_path, "split", {}, seed=1, made="content")
    assert states(tmp_path) == {"split": "done", "collab": "done"}


def test_a_stage_as_it_should_be_is_not_refused(tmp_path: Path) -> None:
    make(tmp_path, "split", {}, made="content")
    make(tmp_path, "collab", {"split": "content", "told": "this"})
    refuse_stale(tmp_path, "collab", Settings(), {"told": "this"})
    for settings, told in ((Settings(seed=1), "this"), (Settings(), "that")):
        with pytest.raises(RunError, match="'collab' was made with other settings"):
            refuse_stale(tmp_path, "collab", settings, {"told": told})
    make(tmp_path, "split", {}, seed=1, made="other content")
    with pytest.raises(RunError, match="'collab' was made from an earlier split"):
        refuse_stale(tmp_path, "collab", Settings())


def test_a_stage_made_with_what_is_no_longer_read_or_without_what_is_now_is_refused(
    tmp_path: Path,
) -> None:
    """The same settings of the stage itself, the taste switched on or off since."""
    make(tmp_path, "taste", {}, made="tastes")
    make(tmp_path, "with", {"taste": "tastes"})
    make(tmp_path, "without", {})
    refuse_stale(tmp_path, "with", Settings(), reads={"taste": True})
    refuse_stale(tmp_path, "without", Settings(), reads={"taste": False})
    for stage, read in (("with", False), ("without", True)):
        with pytest.raises(RunError, match="was made with other settings"):
            refuse_stale(tmp_path, stage, Settings(), reads={"taste": read})


def test_a_stage_with_settings_that_are_no_more_is_refused(tmp_path: Path) -> None:
    class Others(BaseModel):
        width: int

    make(tmp_path, "gist", {})
    with pytest.raises(RunError, match=r"other settings.*give the `gistrec run` command again"):
        refuse_stale(tmp_path, "gist", Others(width=3))
    with pytest.raises(RunError, match="'absent' is not finished"):
        refuse_stale(tmp_path, "absent", Settings())


def test_a_baseline_alone_needs_nothing_of_a_language_model() -> None:
    config = load_config(SystemConfig, "sasrec", None, ["baselines.names=[sasrec]"])
    assert expected_stages(config, oracle=False) == [
        "split",
        "baseline-sasrec",
        "evaluation-sasrec",
    ]


def test_the_encoder_of_similar_users_is_expected_once_whoever_asks_for_it() -> None:
    without = load_config(SystemConfig, "mmsrarec", None, ["baselines.names=[popularity]"])
    assert expected_stages(without, oracle=True) == [
        "split",
        "evaluation-oracle",
        "baseline-popularity",
        "evaluation-popularity",
        "baseline-sasrec",
        "backbone",
        "gist-tuning",
        "gist",
        "collab",
        "recommender",
        "evaluation-mmsrarec",
        "evidence",
        "recommender-evidence",
        "evaluation-mmsrarec+evidence",
        "fusion",
        "evaluation-mmsrarec+fusion",
    ]
    off = ["gist.tuning.kind=none", "evidence.kinds=[]", "fusion.on=false"]
    pure = load_config(SystemConfig, "mmsrarec", None, off)
    assert expected_stages(pure, oracle=False)[-5:] == [
        "backbone",
        "gist",
        "collab",
        "recommender",
        "evaluation-mmsrarec",
    ]
    with_it = load_config(SystemConfig, "mmsrarec", None, ["baselines.names=[sasrec]"])
    assert expected_stages(with_it, oracle=False).count("baseline-sasrec") == 1


def test_what_is_not_finished_is_missing_in_the_order_of_the_run(tmp_path: Path) -> None:
    run, dataset = tmp_path / "run", tmp_path / "dataset"
    config = load_config(SystemConfig, "sasrec", None, ["baselines.names=[ease, sasrec]"])
    save_config(config, run / "config.yaml")
    note_dataset(run, dataset)
    make(run, "split", {})
    make(run, "baseline-sasrec", {})
    assert missing_stages(run) == ["baseline-ease", "evaluation-ease", "evaluation-sasrec"]
    (dataset / "truth").mkdir(parents=True)
    assert missing_stages(run)[0] == "evaluation-oracle"


def test_a_run_knows_its_dataset_wherever_it_is_asked_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    note_dataset(Path("run"), Path("dataset"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert noted_dataset(tmp_path / "run") == (tmp_path / "dataset").resolve()


def test_a_run_that_does_not_know_its_dataset_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"dataset\.json is absent or damaged"):
        noted_dataset(tmp_path)


def test_a_baseline_that_reads_images_comes_behind_the_backbone() -> None:
    names = "baselines.names=[popularity, hm4sr]"
    alone = load_config(SystemConfig, "hm4sr", None, [names])
    assert expected_stages(alone, oracle=False) == [
        "split",
        "baseline-popularity",
        "evaluation-popularity",
        "backbone",
        "baseline-hm4sr",
        "evaluation-hm4sr",
    ]
    among = expected_stages(load_config(SystemConfig, "mmsrarec", None, [names]), oracle=False)
    assert among.count("backbone") == 1
    assert among.index("backbone") < among.index("baseline-hm4sr") < among.index("gist")


def test_a_baseline_that_is_aligned_comes_behind_the_encoder_as_well() -> None:
    alone = expected_stages(load_config(SystemConfig, "molar"), oracle=False)
    made_of = ["split", "backbone", "baseline-sasrec"]
    assert alone == [*made_of, "baseline-molar", "evaluation-molar"]
    released = load_config(SystemConfig, "molar", None, ["baselines.molar.alignment=0"])
    assert "baseline-sasrec" not in expected_stages(released, oracle=False)
    other = load_config(SystemConfig, "molar", None, ["collab.encoder=gru4rec"])
    assert "baseline-gru4rec" in expected_stages(other, oracle=False)
