from pathlib import Path

import polars as pl
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from gistrec.cli.doctor import run_findings
from gistrec.cli.main import app
from gistrec.config.base import StageConfig
from gistrec.config.load import load_config, save_config
from gistrec.config.system import SystemConfig
from gistrec.evaluation.leaderboard import load_leaderboard, save_leaderboard
from gistrec.evaluation.ranks import ranks_file
from gistrec.evaluation.row import Metric, Row
from gistrec.pipeline.compared import forget_earlier
from gistrec.pipeline.manifest import stage_fingerprint
from gistrec.pipeline.outdated import outdated_stages, outdated_systems, told_of_stage
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.taste.stage import taste_settings
from gistrec.pipeline.workplace import note_dataset

SETTINGS = ["baselines.names=[popularity, sasrec]"]


def configure(run: Path, *settings: str) -> SystemConfig:
    config = load_config(SystemConfig, "sasrec", None, [*SETTINGS, *settings])
    save_config(config, run / "config.yaml")
    return config


def make(run: Path, name: str, settings: BaseModel, *inputs: str, ranks: int = 0) -> None:
    def build(folder: Path) -> None:
        if name.startswith("evaluation-"):
            ranks_of(folder, name.removeprefix("evaluation-"), ranks)

    read = {stage: stage_fingerprint(run / stage) for stage in inputs}
    run_stage(run, name, settings, read, build)


def ranks_of(folder: Path, system: str, number: int) -> None:
    file = ranks_file(folder, system)
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"rank": [number]}).write_parquet(file)


def a_row(system: str) -> Row:
    return Row(
        system=system,
        dataset="x",
        split="users",
        split_fingerprint="x",
        protocol="full",
        n_users=1,
        metrics={"HR@5": Metric(value=0.5, low=0.5, high=0.5)},
        strata={},
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two baselines, evaluated and published."""
    run = tmp_path / "run"
    config = configure(run)
    note_dataset(run, tmp_path / "dataset")
    make(run, "split", config.split)
    for name in ("popularity", "sasrec"):
        settings = getattr(config.baselines, name, StageConfig())
        make(run, f"baseline-{name}", settings, "split")
        make(run, f"evaluation-{name}", config.evaluation, "split", f"baseline-{name}")
        ranks_of(run, name, 0)
    save_leaderboard([a_row("popularity"), a_row("sasrec")], run)
    return run


def asked(*command: object) -> str:
    done = CliRunner().invoke(app, [*map(str, command)])
    assert done.exit_code == 0
    assert ".500" in done.stdout
    return done.stderr


def test_a_run_as_it_is_configured_has_nothing_outdated(run: Path) -> None:
    assert outdated_stages(run) == {}
    assert asked("evaluate", "--run", run) == asked("leaderboard", run) == ""
    assert {finding.state for finding in run_findings(run)} == {"ok"}


def test_rows_of_earlier_settings_are_told_of(run: Path) -> None:
    configure(run, "baselines.sasrec.seed=6")
    assert outdated_stages(run) == {
        "baseline-sasrec": "made with other settings",
        "evaluation-sasrec": "made from baseline-sasrec of other settings",
    }
    for command in (["evaluate", "--run", run], ["leaderboard", run]):
        said = asked(*command)
        assert f"note: sasrec in {run}: measured with other settings" in said
        assert "give the `gistrec run` command again" in said
    assert "stage baseline-sasrec of" in told_of_stage(run, "baseline-sasrec")
    assert told_of_stage(run, "split") == ""


def test_a_row_waits_until_the_table_is_made_anew(run: Path) -> None:
    """The stages stand as configured, but what was published is of those before."""
    config = configure(run, "baselines.sasrec.seed=6")
    make(run, "baseline-sasrec", config.baselines.sasrec, "split")
    make(run, "evaluation-sasrec", config.evaluation, "split", "baseline-sasrec", ranks=3)
    assert outdated_stages(run) == {}
    assert outdated_systems(run, load_leaderboard(run)) == ["sasrec"]


def test_doctor_tells_each_stage_once_and_what_is_not_used(run: Path) -> None:
    config = configure(run, "baselines.sasrec.seed=6")

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    read = {"split": stage_fingerprint(run / "split")}
    with pytest.raises(KeyboardInterrupt):
        run_stage(run, "baseline-sasrec", config.baselines.sasrec, read, interrupted)
    told = [finding.text for finding in run_findings(run)]
    (sasrec,) = [text for text in told if text.startswith("stage baseline-sasrec:")]
    assert "partial" in sasrec
    assert "what stands was made with other settings" in sasrec
    assert any(text.startswith("leaderboard.json: sasrec") for text in told)
    configure(run, "baselines.names=[sasrec]")
    told = [finding.text for finding in run_findings(run)]
    (unused,) = [text for text in told if text.startswith("stage baseline-popularity:")]
    assert "not used by this configuration" in unused


def test_comparisons_with_an_earlier_system_are_told_of_and_go(run: Path) -> None:
    (run / "ablations.json").write_text('{"how": "", "of": "other", "rows": []}')
    (run / "sweep-recommender.history.png").touch()
    told = [finding.text for finding in run_findings(run)]
    assert any(
        text.startswith("ablations.json: compares with the system as it was") for text in told
    )
    forget_earlier(run, "other")
    assert (run / "ablations.json").exists()
    forget_earlier(run, "new")
    assert not (run / "ablations.json").exists()
    assert not (run / "sweep-recommender.history.png").exists()


def test_a_variant_that_is_not_finished_is_told_of(run: Path) -> None:
    variant = run / "variants" / "without"
    config = configure(variant)
    note_dataset(variant, run.parent / "dataset")
    make(variant, "split", config.split)
    (told,) = [f for f in run_findings(run) if f.text.startswith("variant without: to be made")]
    assert "evaluation-sasrec" in told.text
    assert told.state == "off"


HISTORY = "recommender.history=5"  # so that a taste may be told or not


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Stages of a system that tells a taste."""
    run = tmp_path / "told"
    config = save_told(run)
    make(run, "split", config.split)
    make(run, "backbone", config.backbone.deciding())
    make(run, "gist", config.gist.deciding(), "backbone")
    make(run, "taste", taste_settings(config), "split", "gist", "backbone")
    make(run, "recommender", config.recommender.deciding(), "split", "gist", "taste")
    return run


def save_told(run: Path, *settings: str) -> SystemConfig:
    config = load_config(SystemConfig, "mllm-msr", None, [HISTORY, *settings])
    save_config(config, run / "config.yaml")
    return config


@pytest.mark.parametrize(
    ("setting", "outdated"),
    [
        ("taste.batch_size=3", {}),
        ("taste.seed=3", {}),  # nothing is drawn
        ("taste.engine.concurrency=2", {}),
        ("gist.image_keywords=1", {}),  # of the other style
        ("collab.neighbours=2", {}),
        ("taste.block=2", {"taste", "recommender"}),
        ("taste.kind=direct", {"taste", "recommender"}),
        ("taste.words=9", {"taste", "recommender"}),
        ("taste.told_by=title", {"taste", "recommender"}),
        ("recommender.max_windows=9", {"taste", "recommender"}),
        ("recommender.max_gist_tokens=9", {"recommender"}),
        ("gist.image_words=0", {"gist", "taste", "recommender"}),
        ("gist.style=keywords", {"gist", "taste", "recommender"}),
        ("backbone.embedded.tastes=5", {"backbone", "gist", "taste", "recommender"}),
        ("taste.kind=none", {"taste", "recommender"}),
    ],
)
def test_what_a_setting_of_tastes_and_sentences_makes_anew(
    told: Path, setting: str, outdated: set[str]
) -> None:
    assert outdated_stages(told) == {}
    save_told(told, setting)
    assert set(outdated_stages(told)) == set(outdated)


def test_a_recommender_from_before_tastes_were_told_is_outdated(told: Path) -> None:
    config = save_told(told)
    make(told, "recommender", config.recommender.deciding(), "split", "gist")
    assert outdated_stages(told) == {"recommender": "made without taste"}
