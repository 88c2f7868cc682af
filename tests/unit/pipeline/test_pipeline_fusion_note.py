"""A fusion that was not fitted is told of wherever its rows stand."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gistrec.cli.doctor import run_findings
from gistrec.cli.main import app
from gistrec.config.load import load_config, save_config
from gistrec.config.system import SystemConfig
from gistrec.evaluation.leaderboard import load_leaderboard, save_leaderboard
from gistrec.evaluation.row import Metric, Row
from gistrec.pipeline.fusion_note import told_of_fusion, unfitted
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import note_dataset

SAMPLED = "sampled candidates (12 validation users, of which weights need 20)"
WHOLE = "whole catalogue (3 retrieved positives, of which weights need 20)"


def a_row(system: str, protocol: str) -> Row:
    return Row(
        system=system,
        dataset="x",
        split="users",
        split_fingerprint="x",
        protocol=protocol,
        n_users=1,
        metrics={"HR@5": Metric(value=0.5, low=0.5, high=0.5)},
        strata={},
    )


def a_run(run: Path, sampled: bool, catalogue: bool, *settings: str) -> Path:
    """A leaderboard of two systems, and a fusion that is the logit alone where it is said."""
    config = load_config(SystemConfig, "mmsrarec", None, settings)
    save_config(config, run / "config.yaml")
    note_dataset(run, run.parent / "dataset")
    facts = {
        "users": 12,
        "retrieved_positives": 3,
        "logit_alone": {"sampled": sampled, "catalogue": catalogue},
    }
    run_stage(run, "fusion", config.fusion, {}, lambda _: facts)
    systems = ("mmsrarec", "mmsrarec+fusion")
    save_leaderboard([a_row(s, p) for s in systems for p in ("sampled", "full")], run)
    return run


@pytest.mark.parametrize(
    ("sampled", "catalogue", "told"),
    [
        (False, False, ""),
        (True, False, f"not fitted: {SAMPLED}"),
        (False, True, f"not fitted: {WHOLE}"),
        (True, True, f"not fitted: {SAMPLED} and {WHOLE}"),
    ],
)
def test_each_kind_of_lists_without_weights_is_told_of(
    tmp_path: Path, sampled: bool, catalogue: bool, told: str
) -> None:
    run = a_run(tmp_path / "run", sampled, catalogue)
    assert unfitted(run) == told
    assert told in told_of_fusion(run, load_leaderboard(run))
    assert bool(told_of_fusion(run, load_leaderboard(run))) == bool(told)
    found = [one for one in run_findings(run) if one.text.startswith("stage fusion: not")]
    assert [one.state for one in found] == ["off"] * bool(told)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_the_leaderboard_says_below_what_its_row_is(tmp_path: Path, as_json: list[str]) -> None:
    run = a_run(tmp_path / "run", True, False, "evidence.kinds=[]")
    shown = CliRunner().invoke(app, ["leaderboard", str(run), *as_json])
    assert f"note: mmsrarec+fusion in {run}: not fitted: {SAMPLED}; there it ranks" in shown.stderr
    assert "by the model's logit alone, as mmsrarec does" in shown.stderr
    assert "not fitted" not in shown.stdout
    if as_json:
        assert len(json.loads(shown.stdout)) == 4
    full = CliRunner().invoke(app, ["leaderboard", str(run), "--protocol", "full"])
    assert "not fitted" not in full.stderr
    evaluated = CliRunner().invoke(app, ["evaluate", "--run", str(run), "--protocol", "sampled"])
    assert f"not fitted: {SAMPLED}" in evaluated.stderr


def test_without_a_row_of_the_fusion_there_is_nothing_to_tell(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", True, True)
    assert told_of_fusion(run, [a_row("mmsrarec", "full")]) == ""
    assert unfitted(tmp_path) == told_of_fusion(tmp_path, [a_row("mmsrarec+fusion", "full")]) == ""
