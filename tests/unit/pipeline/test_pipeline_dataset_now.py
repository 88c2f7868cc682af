"""A dataset, or what a run is to see of it, that changed before the run was made anew."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from gistrec.config.base import StageConfig
from gistrec.config.dataset import DatasetConfig
from gistrec.config.gist import GistConfig
from gistrec.config.load import load_config, save_config
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Card, open_dataset, write_dataset
from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.pipeline.dataset_now import dataset_now
from gistrec.pipeline.manifest import read_manifest
from gistrec.pipeline.outdated import outdated_stages, told_of_systems
from gistrec.pipeline.run import run_system
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.states import made_by
from gistrec.pipeline.users import RunUsers
from gistrec.pipeline.workplace import note_dataset

NAMES = ["baselines.names=[popularity]", "split.negatives=3"]


def write(folder: Path, moved: int = 0) -> Path:
    """Twelve users of four items each, out of sixteen."""
    items = [f"i{code}" for code in range(16)]
    rows = [(f"u{user}", items[(user + k + moved) % 16], k) for user in range(12) for k in range(4)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return write_dataset(
        folder, pl.DataFrame({"item_id": items, "title": items}), log, Card("small")
    ).folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of a baseline."""
    folder = tmp_path / "run"
    run_system("popularity", write(tmp_path / "dataset"), folder, overrides=NAMES)
    return folder


def configure(run: Path, system: str, *settings: str) -> SystemConfig:
    config = load_config(SystemConfig, system, None, [*NAMES, *settings])
    save_config(config, run / "config.yaml")
    return config


def view_changed(run: Path) -> None:
    configure(run, "popularity", "dataset.min_interactions=2")


def text_withheld(run: Path) -> None:
    configure(run, "popularity", "dataset.withhold=text")


def files_replaced(run: Path) -> None:
    write(run.parent / "dataset", moved=1)


@pytest.mark.parametrize("change", [view_changed, text_withheld, files_replaced])
def test_what_was_made_from_another_dataset_is_told_of(
    run: Path, change: Callable[[Path], None]
) -> None:
    assert outdated_stages(run) == {}
    change(run)
    outdated = outdated_stages(run)
    assert outdated["split"] == outdated["evaluation-popularity"] == "made with other settings"
    told = told_of_systems(run, load_leaderboard(run))
    assert f"popularity in {run}: measured with other settings than" in told


def test_files_that_only_look_new_change_nothing(run: Path) -> None:
    os.utime(run.parent / "dataset" / "items.parquet", ns=(1, 1))
    assert outdated_stages(run) == {}


def test_a_dataset_that_is_gone_is_taken_as_it_was(run: Path) -> None:
    (run.parent / "dataset").rename(run.parent / "elsewhere")
    assert outdated_stages(run) == {}
    assert dataset_now(run, DatasetConfig(min_interactions=2)) is None


def test_a_run_that_noted_the_folder_alone_is_told_of_too(run: Path) -> None:
    note_dataset(run, run.parent / "dataset")
    assert outdated_stages(run) == {}
    files_replaced(run)
    assert "split" in outdated_stages(run)


@pytest.mark.parametrize("view", [DatasetConfig(), DatasetConfig(withhold="text")])
def test_it_is_the_fingerprint_of_the_opened_dataset(run: Path, view: DatasetConfig) -> None:
    files_replaced(run)
    opened = open_dataset(run.parent / "dataset", view)
    assert dataset_now(run, view) == opened.fingerprint


def test_users_of_another_dataset_are_not_answered(run: Path) -> None:
    configure(run, "mmsrarec")
    with pytest.raises(RunError, match="is not finished"):
        RunUsers.open(run)
    for changed in ("dataset.withhold=text", "dataset.min_interactions=2"):
        configure(run, "mmsrarec", changed)
        with pytest.raises(RunError, match=r"'split' was made with other settings than .*config"):
            RunUsers.open(run)


def test_settings_that_leave_a_servers_address_out_are_the_same(tmp_path: Path) -> None:
    """What decides a server's answers is noted without its url, with which it must be named."""

    def of(model: str) -> StageConfig:
        server = {"kind": "server", "url": "http://h/v1", "model": model}
        return GistConfig.model_validate({"engine": server}).deciding()

    made = read_manifest(run_stage(tmp_path, "gist", of("m"), {}, lambda _: None))
    assert made_by(made, of("m"))
    assert not made_by(made, of("n"))
