"""A run whose recommender is an adapter on the run's own backbone."""

import json
import shutil
from pathlib import Path

import pytest
from end_to_end_cases import Command, Tiny

SETTINGS = ("--set", "recommender.tuning.kind=lora", "--set", "recommender.accumulation=2")


@pytest.fixture(scope="module")
def adapted(tiny: Tiny, gistrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Path(shutil.copytree(tiny.run, tmp_path_factory.mktemp("lora") / "run"))
    told = gistrec.done(*tiny.command(run, *SETTINGS)).err
    assert "lora tuning of" in told
    return run


def test_the_adapter_alone_is_saved(tiny: Tiny, adapted: Path) -> None:
    model = adapted / "recommender" / "model"
    assert (model / "adapter_model.safetensors").is_file()
    assert not (model / "model.safetensors").exists()
    assert not list((adapted / "recommender").glob("*.checkpoint"))
    weight = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    assert weight < (tiny.run / "recommender/model/model.safetensors").stat().st_size / 2


def test_what_was_trained_is_what_is_measured(tiny: Tiny, adapted: Path) -> None:
    ranks = "ranks/mmsrarec.sampled.parquet"
    assert (adapted / ranks).read_bytes() != (tiny.run / ranks).read_bytes()
    rows = json.loads((adapted / "leaderboard.json").read_text(encoding="utf-8"))
    assert "mmsrarec" in {row["system"] for row in rows}


def test_a_moved_run_finds_the_backbone_that_its_adapter_is_of(
    gistrec: Command, adapted: Path
) -> None:
    asked = ("--user", "u003", "-k", 3, "--json")
    here = gistrec.done("recommend", "--run", adapted, *asked)
    moved = adapted.rename(adapted.with_name("moved"))
    try:
        there = gistrec.done("recommend", "--run", moved, *asked)
    finally:
        moved.rename(adapted)
    assert json.loads(there.out) == json.loads(here.out)
