import os
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from gistrec.cli.main import app
from gistrec.mllm.vision.entry import Entry
from gistrec.mllm.vision.shards import write_shard

runner = CliRunner()
DAY = 86_400


def an_entry(cache: Path, backbone: str, images: int, days: float) -> Entry:
    """What some eyes have seen, last used so many days ago."""
    eyes = backbone.encode().hex().ljust(64, "0")
    entry = Entry.of(cache, eyes, backbone)
    with entry.filling():
        digests = [bytes([number]) * 32 for number in range(images)]
        seen = [torch.zeros(1, 4, 2**16)] * images  # 1 MiB each
        write_shard(entry.folder, eyes, digests, [(2, 2)] * images, seen)
    then = time.time() - days * DAY
    os.utime(entry.folder / "eyes.json", (then, then))
    return entry


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GISTREC_CACHE", str(tmp_path))
    an_entry(tmp_path, "old/model", 2, days=40)
    an_entry(tmp_path, "new/model", 3, days=1)
    return tmp_path


def names(cache: Path) -> set[str]:
    found = map(Entry.found, cache.iterdir())
    return {entry.backbone for entry in found if entry is not None}


@pytest.mark.parametrize("named", [True, False])
def test_every_backbones_images_are_shown_the_latest_first(cache: Path, named: bool) -> None:
    shown = runner.invoke(app, ["cache", "show", *(["--folder", str(cache)] if named else [])])
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.stdout.splitlines() if "/model" in line]
    assert [line[1] for line in lines] == ["new/model", "old/model"]
    assert [(line[5], line[7]) for line in lines] == [("3", "3.0"), ("2", "2.0")]


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    shown = runner.invoke(app, ["cache", "show", "--folder", str(folder)])
    assert shown.stdout == f"{folder}: empty\n"
    cleared = runner.invoke(app, ["cache", "clear", "--folder", str(folder)])
    assert cleared.stdout == f"{folder}: nothing to clear\n"
    assert not folder.exists()


def test_only_what_is_older_is_cleared(cache: Path) -> None:
    cleared = runner.invoke(app, ["cache", "clear", "--older-than", "30", "--yes"])
    assert cleared.exit_code == 0
    assert "old/model: 2 images, 2.0 MiB" in cleared.stdout
    assert names(cache) == {"new/model"}


@pytest.mark.parametrize(("answer", "left"), [("n", {"old/model", "new/model"}), ("y", set())])
def test_a_person_is_asked_first(cache: Path, answer: str, left: set[str]) -> None:
    (cache / "not ours").mkdir()
    runner.invoke(app, ["cache", "clear"], input=answer)
    assert names(cache) == left
    assert (cache / "not ours").is_dir()


def test_what_is_being_filled_is_left(cache: Path) -> None:
    entry = next(entry for entry in map(Entry.found, cache.iterdir()) if entry is not None)
    with entry.filling():
        cleared = runner.invoke(app, ["cache", "clear", "--yes"])
    assert f"{entry.folder}: in use, left" in cleared.stdout
    assert names(cache) == {entry.backbone}
