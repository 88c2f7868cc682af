import json
import shutil
from pathlib import Path

import pytest
from end_to_end_cases import Command, Tiny

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
    for name in ("backbone/images.safetensors", "gist/gists.parquet"):
        assert (run / name).read_bytes() == (tiny.run / name).read_bytes()
    user = ["--user", "u001", "-k", "2", "--json"]
    answer = json.loads(gistrec.done("recommend", "--run", run, *user).out)
    assert len(answer["items"]) == 2


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
