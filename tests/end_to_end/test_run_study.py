"""A study by the command as a person gives it: killed, gone on with, one system failing, mended."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from end_to_end_cases import Command, in_process_of_its_own

STUDY = """
name: tiny
title: A tiny study
datasets:
  - {name: shop, bazaar: {users: 60, items: 80}}
seeds: [0, 1]
systems:
  - mmsrarec
  - {preset: mmsrarec, label: absent, set: {backbone.model: /nowhere/at/all}}
baselines: [popularity, sasrec]
protocols: [full, sampled]
set:
  split.test_fraction: 0.2
  evaluation.resamples: 20
  baselines.sasrec: {width: 16, negatives: null, epochs: 1}
  backbone.embedded:
    {width: 32, layers: 2, vision_width: 32, vision_layers: 1, primer_drawings: 24,
     invented_users: 24, epochs: 1}
  gist: {max_new_tokens: 8, encoder: lsa}
  gist.tuning.kind: none
  evidence.kinds: []
  fusion.on: false
  recommender: {epochs: 1, max_windows: 16, batch_size: 8, negatives: 4, history: 4, retrieved: 6}
"""
MADE = ("popularity", "sasrec", "mmsrarec")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study, `study` in it killed in its first seed; `study.yaml` beside it."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    process = in_process_of_its_own(arguments(folder))
    record = folder / "study" / "study.json"
    until = time.monotonic() + 240
    while not (record.exists() and "done" in states(folder)[:3:2]):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return folder


def arguments(folder: Path, *options: str) -> list[str]:
    return ["study", str(folder / "study.yaml"), "--out", str(folder / "study"), *options]


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "study" / "study.json").read_text("utf-8"))
    return found


def states(folder: Path) -> list[str]:
    return [run["state"] for run in record(folder)["runs"]]


def test_a_killed_study_goes_on_past_a_failure_and_is_mended(study: Path, gistrec: Command) -> None:
    plan = gistrec.done(*arguments(study, "--plan"))
    assert "8 runs" in plan.out
    first = study / "study" / "runs" / "shop" / "popularity" / "seed-0" / "split" / "manifest.json"
    stood = first.stat().st_mtime_ns

    ended = gistrec(*arguments(study))
    assert ended.code == 1
    assert "2 of 8 runs failed" in ended.err
    assert "/nowhere/at/all" in ended.err
    assert first.stat().st_mtime_ns == stood
    assert states(study) == ["done", "done", "done", "failed"] * 2
    the_baselines_trained_once(study)
    boards = json.loads((study / "study" / "leaderboard.json").read_text("utf-8"))
    assert [board["protocol"] for board in boards] == ["full", "sampled"]
    for board in boards:
        names = {line["row"]["system"] for line in board["lines"]}
        assert names == {"oracle", *MADE}
        assert [run["system"] for run in board["failed"]] == ["absent"] * 2
        assert all(line["seeds"] == [0, 1] for line in board["lines"])
        assert board["told"]
    assert "| absent | 1 |  | failed |" in (study / "study" / "leaderboard.md").read_text("utf-8")
    assert (study / "study" / "report.html").is_file()

    mended = gistrec.done(*arguments(study, "--set", "backbone.model=embedded"))
    assert states(study) == ["done"] * 8
    begun = [line for line in mended.err.splitlines() if line.endswith(": begins")]
    assert [line.split(", ")[1] for line in begun] == ["absent on shop"] * 2
    assert "backbone: starts" not in mended.err  # that of mmsrarec


def the_baselines_trained_once(study: Path) -> None:
    for seed in (0, 1):
        runs = study / "study" / "runs" / "shop"
        trained = runs / "sasrec" / f"seed-{seed}" / "baseline-sasrec" / "manifest.json"
        taken = runs / "mmsrarec" / f"seed-{seed}" / "baseline-sasrec" / "manifest.json"
        assert taken.samefile(trained)
    reused = {(run["system"], run["seed"]): run["reused"] for run in record(study)["runs"]}
    assert reused["popularity", 0] == []
    assert reused["sasrec", 1] == ["split", "evaluation-oracle"]
    assert reused["mmsrarec", 1] == ["split", "evaluation-oracle", "baseline-sasrec"]


def test_what_cannot_be_run_is_refused_before_anything_is_written(
    gistrec: Command, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for told, options in {
        "did you mean honest?": ["honst"],
        "--datasets microlens=DIR": ["mllm-msr-table-3"],
        "did you mean recommender.epochs": ["honest", "--set", "recommender.epoch=1"],
        "no dataset": ["paper-parity", "--datasets", f"mine={tmp_path}"],
    }.items():
        ended = gistrec("study", *options, "--out", out)
        assert ended.code == 1
        assert told in ended.err
    assert not out.exists()
