"""A run killed without warning, again and again, ends as one that nobody touched."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from end_to_end_cases import Tiny, in_process_of_its_own, made_once
from polars.testing import assert_frame_equal

_PATIENCE = 120.0  # seconds until a stage must have come


def exists(name: str) -> Callable[[Path], bool]:
    return lambda run: (run / name).exists()


def saved(name: str) -> Callable[[Path], bool]:
    return lambda run: any((run / name).glob("step-*"))


# Each is awaited with the same command, then the process dies.
MOMENTS = {
    "sasrec": exists(".baseline-sasrec.partial/sasrec.checkpoint"),
    "backbone": saved(".backbone.partial/warm-start.checkpoint"),
    "gist": exists(".gist.partial/intent.json"),
    "recommender": saved(".recommender.partial/fine-tuning.checkpoint"),
    "evaluation": lambda run: any(run.glob(".evaluation-mmsrarec.partial/ranks/mms*.parquet")),
}


def killed(tiny: Tiny, run: Path, reached: Callable[[Path], bool]) -> None:
    process = in_process_of_its_own(tiny.command(run))
    until = time.monotonic() + _PATIENCE
    while not reached(run) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    # Only what has not been waited for can be killed: its number is still its own.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    printed, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it ended or the moment never came: {printed}"


def manifests(run: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in run.glob("[!.]*/manifest.json")}


def measured(run: Path) -> list[dict[str, Any]]:
    rows = json.loads((run / "leaderboard.json").read_text(encoding="utf-8"))
    return [
        {key: value for key, value in row.items() if key not in ("seconds", "peak_mib")}
        for row in rows
    ]


@pytest.fixture(scope="module")
def survivor(tiny: Tiny) -> Path:
    """A run that was killed at every moment, then left alone; finished stages never change."""
    run = tiny.run.with_name("survivor")
    with made_once(tiny.run.with_name("survivor-made")) as needed:
        if needed:
            shutil.rmtree(run, ignore_errors=True)
            survive(tiny, run)
    return run


def survive(tiny: Tiny, run: Path) -> None:
    finished: dict[str, bytes] = {}
    for reached in MOMENTS.values():
        killed(tiny, run, reached)
        now = manifests(run)
        assert finished.items() <= now.items()
        finished = now
        assert not (run / "leaderboard.json").exists()
    last = in_process_of_its_own(tiny.command(run))
    printed, _ = last.communicate(timeout=_PATIENCE)
    assert last.returncode == 0, printed
    assert "goes on from where it was interrupted" in printed
    assert finished.items() <= manifests(run).items()


def test_every_stage_is_what_it_would_have_been(tiny: Tiny, survivor: Path) -> None:
    ours, theirs = manifests(survivor), manifests(tiny.run)
    assert set(ours) == set(theirs)
    for name, manifest in ours.items():
        assert json.loads(manifest)["fingerprint"] == json.loads(theirs[name])["fingerprint"]


def test_ranks_are_the_same_bytes(tiny: Tiny, survivor: Path) -> None:
    files = sorted(path.name for path in (tiny.run / "ranks").iterdir())
    assert files == sorted(path.name for path in (survivor / "ranks").iterdir())
    for name in files:
        ours, theirs = survivor / "ranks" / name, tiny.run / "ranks" / name
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_the_leaderboard_has_the_same_digits(tiny: Tiny, survivor: Path) -> None:
    assert measured(survivor) == measured(tiny.run)


def test_weights_are_the_same_bytes_and_gists_the_same(tiny: Tiny, survivor: Path) -> None:
    for name in (
        "backbone/model/model.safetensors",
        "backbone/images.safetensors",
        "recommender/model/model.safetensors",
        *(
            str(path.relative_to(tiny.run))
            for path in tiny.run.glob("backbone/vision/*/*.safetensors")
        ),
    ):
        assert (survivor / name).read_bytes() == (tiny.run / name).read_bytes(), name
    ours, theirs = (
        pl.read_parquet(run / "gist" / "gists.parquet").drop("seconds")
        for run in (survivor, tiny.run)
    )
    assert_frame_equal(ours, theirs)


def test_interruptions_are_counted(survivor: Path) -> None:
    attempts = {name: json.loads(told)["attempts"] for name, told in manifests(survivor).items()}
    for name in ("baseline-sasrec", "backbone", "recommender", "evaluation-mmsrarec"):
        assert attempts[name] == 2, name
    assert attempts["split"] == 1


def test_nothing_half_written_is_left(tiny: Tiny, survivor: Path) -> None:
    def names(run: Path) -> set[str]:
        return {str(path.relative_to(run)) for path in run.rglob("*")}

    assert names(survivor) == names(tiny.run)
