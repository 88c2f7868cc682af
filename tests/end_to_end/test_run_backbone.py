import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny
from polars.testing import assert_frame_equal
from safetensors.torch import load_file, save_file

ONLY_SASREC = ("--set", "baselines.names=[sasrec]", "--set", "recommender.epochs=1")


def test_a_backbone_on_disk_takes_the_place_of_the_embedded_one(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(tiny.run / "backbone" / "model", tmp_path / "my model"))
    run = tmp_path / "run"
    ended = gistrec.done(*tiny.command(run, "--backbone", str(model), *ONLY_SASREC))
    assert "warm start" not in ended.err
    assert not (run / "backbone" / "model").exists()
    # The same weights see and read the same.
    images = "backbone/images.safetensors"
    assert (run / images).read_bytes() == (tiny.run / images).read_bytes()
    ours, theirs = (
        pl.read_parquet(folder / "gist" / "gists.parquet") for folder in (run, tiny.run)
    )
    assert_frame_equal(ours.drop("model", "seconds"), theirs.drop("model", "seconds"))
    assert ours["model"].unique().to_list() == [str(model)]
    manifest = json.loads((run / "backbone" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["images_cached"] == 0
    gistrec.done("cache", "clear", "--yes")
    # Cleared features are looked at again; those of a second run are there.
    user = ["--user", "u001", "-k", "2", "--json"]
    answer = json.loads(gistrec.done("recommend", "--run", run, *user).out)
    assert len(answer["items"]) == 2
    again = tmp_path / "again"
    gistrec.done(*tiny.command(again, "--backbone", str(model), *ONLY_SASREC))
    manifest = json.loads((again / "backbone" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["images_cached"] == 1
    assert str(model) in gistrec.done("cache", "show").out


def test_features_that_are_gone_are_not_replaced_by_others(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    shutil.rmtree(run / "backbone" / "vision")
    weights = run / "backbone" / "model" / "model.safetensors"
    changed = load_file(weights)
    changed["model.connector.modality_projection.proj.weight"] += 0.1
    save_file(changed, weights, metadata={"format": "pt"})
    ended = gistrec("recommend", "--run", run, "--user", "u001")
    assert ended.code == 1
    assert f"have changed since {run / 'backbone'} was made" in ended.err


@pytest.mark.parametrize("kind", ["absent", "empty", "another family", "no weights"])
def test_a_folder_that_is_no_backbone_is_one_clear_message(
    tiny: Tiny, gistrec: Command, tmp_path: Path, kind: str
) -> None:
    model = tmp_path / "model"
    if kind == "empty":
        model.mkdir()
    elif kind == "another family":
        model.mkdir()
        (model / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    elif kind == "no weights":
        shutil.copytree(tiny.run / "backbone" / "model", model)
        (model / "model.safetensors").unlink()
    run = tmp_path / "run"
    ended = gistrec(*tiny.command(run, "--backbone", str(model), *ONLY_SASREC))
    assert ended.code == 1
    message = ended.err.splitlines()[-1]
    assert message.startswith("gistrec: backbone")
    assert "fault of gistrec itself" not in ended.err
    assert "bert" in message if kind == "another family" else str(model) in message
    assert not (run / "leaderboard.json").exists()
