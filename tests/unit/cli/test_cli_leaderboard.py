import json
from pathlib import Path

import pytest
from click import unstyle
from typer.testing import CliRunner

from gistrec.cli.main import app
from gistrec.errors import RunError

runner = CliRunner()


def a_run(folder: Path, system: str, hit_rate: float, split: str = "aaaa") -> Path:
    folder.mkdir()
    row = {
        "system": system,
        "dataset": "bazaar",
        "split": "users",
        "split_fingerprint": split,
        "protocol": "full",
        "n_users": 400,
        "seeds": [0],
        "metrics": {"HR@5": {"value": hit_rate, "low": hit_rate / 2, "high": 1.0}},
        "strata": {},
        "seconds": 1.0,
        "peak_mib": 10.0,
    }
    rows = [row, {**row, "protocol": "sampled"}]
    (folder / "leaderboard.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_two_runs_stand_in_one_table_the_better_first(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / "a", "worse", 0.25), a_run(tmp_path / "b", "better", 0.75)]
    shown = runner.invoke(app, ["leaderboard", *map(str, runs)])
    assert shown.exit_code == 0
    assert shown.stdout.index("better") < shown.stdout.index("worse")
    assert ".750" in shown.stdout


def test_json_holds_the_rows_of_the_protocol_asked_for(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", "one", 0.5)
    shown = runner.invoke(app, ["leaderboard", str(run), "--json", "--protocol", "sampled"])
    rows = json.loads(shown.stdout)
    assert [(row["system"], row["protocol"]) for row in rows] == [("one", "sampled")]
    assert rows[0]["metrics"]["HR@5"] == {"value": 0.5, "low": 0.5 / 2, "high": 1.0}


def test_rows_of_one_name_are_told_apart_by_their_runs(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / "a", "mmsrarec", 0.25), a_run(tmp_path / "b", "mmsrarec", 0.75)]
    (tmp_path / "deep").mkdir()
    deep = a_run(tmp_path / "deep" / "b", "mmsrarec", 0.5)
    shown = runner.invoke(app, ["leaderboard", *map(str, runs), "--json"]).stdout
    assert {row["system"] for row in json.loads(shown)} == {"mmsrarec (a)", "mmsrarec (b)"}
    shown = runner.invoke(app, ["leaderboard", *map(str, [*runs, deep]), "--json"]).stdout
    named = {row["system"] for row in json.loads(shown)}
    assert named == {"mmsrarec (a)", f"mmsrarec ({runs[1]})", f"mmsrarec ({deep})"}
    shown = runner.invoke(app, ["leaderboard", str(runs[0]), str(runs[0]), "--json"]).stdout
    assert {row["system"] for row in json.loads(shown)} == {"mmsrarec"}


def test_a_folder_of_seeds_names_its_runs(tmp_path: Path) -> None:
    for seed in (0, 1):
        a_run(tmp_path / f"seed-{seed}", "x", 0.5)
        (tmp_path / f"seed-{seed}" / "config.yaml").touch()
    commands = (
        ["leaderboard", tmp_path],
        ["doctor", "--run", tmp_path],
        ["recommend", "--run", tmp_path, "--user", "u"],
        ["gist", "--run", tmp_path],
        ["evaluate", "--run", tmp_path],
    )
    for command in commands:
        shown = runner.invoke(app, [*map(str, command)])
        assert isinstance(shown.exception, RunError)
        named = f"folder of seeds: name {tmp_path / 'seed-0'} or {tmp_path / 'seed-1'}"
        assert named in str(shown.exception)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_runs_on_different_splits_are_refused(tmp_path: Path, options: list[str]) -> None:
    runs = [a_run(tmp_path / "a", "x", 0.5), a_run(tmp_path / "b", "y", 0.5, split="bbbb")]
    shown = runner.invoke(app, ["leaderboard", *map(str, runs), *options])
    assert isinstance(shown.exception, RunError)
    assert "different splits" in str(shown.exception)


def test_a_protocol_that_was_not_measured_is_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", "one", 0.5)
    shown = runner.invoke(app, ["leaderboard", str(run), "--protocol", "cold-full"])
    assert "measured by full, sampled" in str(shown.exception)


def test_a_folder_without_a_leaderboard_is_named(tmp_path: Path) -> None:
    shown = runner.invoke(app, ["leaderboard", str(tmp_path)])
    assert isinstance(shown.exception, RunError)
    assert str(tmp_path) in str(shown.exception)


def test_a_terminal_shows_the_table_whole_however_narrow_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path / "a", "mmsrarec+evidence", 0.5)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    for width in (80, 60, 30):
        monkeypatch.setenv("COLUMNS", str(width))
        shown = unstyle(runner.invoke(app, ["leaderboard", str(run)]).stdout)
        assert shown.count(" mmsrarec+evidence ") == 2
        assert shown.count(".500 [.250, 1.000]") == 2
        assert ("users" in shown.split("mmsrarec")[0].split("┏")[1]) == (width == 80)
