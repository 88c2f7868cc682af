"""Runs that are refused, and what they leave as it was."""

from pathlib import Path

import polars as pl
import pytest

from gistrec.data.checks import check_dataset
from gistrec.data.dataset import Card, write_dataset
from gistrec.errors import BackboneError, ConfigError, DataError, RunError
from gistrec.pipeline.run import run_system
from gistrec.text import encoder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twelve users of four items each, out of sixteen."""
    items = [f"i{code}" for code in range(16)]
    rows = [(f"u{user}", items[(user + k) % 16], k) for user in range(12) for k in range(4)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    catalogue = pl.DataFrame({"item_id": items, "title": items})
    return write_dataset(tmp_path / "dataset", catalogue, log, Card("small")).folder


def test_a_run_in_the_folder_of_its_dataset_is_refused_and_harms_nothing(dataset: Path) -> None:
    before = {file.name: file.read_bytes() for file in dataset.iterdir()}
    with pytest.raises(RunError, match="holds something that is not a run"):
        run_system("popularity", dataset, dataset)
    assert {file.name: file.read_bytes() for file in dataset.iterdir()} == before


def test_cold_protocols_alone_need_cold_items(dataset: Path, tmp_path: Path) -> None:
    asked = ["evaluation.protocols=[cold-full]", "split.negatives=3"]
    with pytest.raises(ConfigError, match=r"only cold-full.*split\.cold_fraction above 0"):
        run_system("popularity", dataset, tmp_path / "run", overrides=asked)


def test_no_protocol_at_all_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.protocols"):
        run_system("popularity", dataset, tmp_path / "run", overrides=["evaluation.protocols=[]"])


def test_a_folder_that_is_not_there_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="which is no folder"):
        run_system("popularity", tmp_path / "absent", tmp_path / "run")
    assert all("no folder" in defect.what for defect in check_dataset(tmp_path / "absent"))


def test_gists_that_cannot_be_tuned_are_refused_before_any_work(tmp_path: Path) -> None:
    items = [f"i{code}" for code in range(16)]
    rows = [(f"u{user}", items[(user + k) % 16], k) for user in range(12) for k in range(4)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    bare = pl.DataFrame({"item_id": items, "title": [""] * 16})
    dataset = write_dataset(tmp_path / "bare", bare, log, Card("bare")).folder
    tuned = ["gist.tuning.kind=grpo"]
    with pytest.raises(ConfigError, match=r"there are 0: set gist\.tuning\.kind=none"):
        run_system("mmsrarec", dataset, tmp_path / "run", overrides=tuned)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["/no/such/folder", "./absent", "~/absent-model", r"C:\absent"])
@pytest.mark.parametrize("key", ["model", "adapter"])
def test_a_backbone_in_a_folder_that_is_not_there_is_refused_before_any_work(
    dataset: Path, tmp_path: Path, key: str, model: str
) -> None:
    named = Path(model).expanduser()
    with pytest.raises(BackboneError) as fault:
        run_system("mmsrarec", dataset, tmp_path / "run", overrides=[f"backbone.{key}={model}"])
    assert str(fault.value).startswith(f"backbone.{key}={model}: there is no folder {named}")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_no_model_or_no_adapter_is_refused_before_any_work(
    dataset: Path, tmp_path: Path
) -> None:
    run, model = tmp_path / "run", tmp_path / "model"
    model.mkdir()
    for key, file in (("model", "config.json"), ("adapter", "adapter_config.json")):
        with pytest.raises(BackboneError, match=f"{model} holds no {file}"):
            run_system("mmsrarec", dataset, run, overrides=[f"backbone.{key}={model}"])
    assert not run.exists()


def test_baselines_alone_do_not_ask_for_the_backbone(dataset: Path, tmp_path: Path) -> None:
    asked = ["backbone.model=/no/such/folder", "baselines.names=[popularity]", "split.negatives=3"]
    run_system("popularity", dataset, tmp_path / "run", overrides=asked)
    with pytest.raises(BackboneError, match="there is no folder /no/such/folder"):
        run_system("hm4sr", dataset, tmp_path / "other", overrides=asked[:1])


@pytest.mark.parametrize("key", ["gist.encoder", "evidence.sentences"])
def test_an_encoder_that_is_not_installed_is_refused_before_any_work(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(encoder, "_PACKAGES", ("no_such_package",))
    asked = [f"{key}=minilm", "gist.tuning.kind=none", "baselines.names=[popularity]"]
    with pytest.raises(ConfigError, match=rf"^{key}=minilm: .*no_such_package.*gistrec\[encoder"):
        run_system("mmsrarec", dataset, tmp_path / "run", overrides=asked)
    assert not (tmp_path / "run").exists()
