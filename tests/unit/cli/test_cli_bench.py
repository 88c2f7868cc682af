import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gistrec.cli.main import app
from gistrec.mllm.backbone import Backbone

SMALL = ("--prefix", "12", "--candidate-tokens", "6", "--repeats", "1", "--device", "cpu")
FIELDS = {"question", "against", "ours_seconds", "their_seconds", "ratio", "conditions"}


@pytest.fixture(scope="module")
def folder(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("backbone")
    tiny_backbone.save(found)
    return found


def test_scoring_prints_json_alone_and_writes_the_same(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "scoring.json"
    asked = ["--backbone", str(folder), "--candidates", "2,3", "--images", "without"]
    ran = CliRunner().invoke(app, ["bench", "scoring", *asked, *SMALL, "--out", str(out)])
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [(one["conditions"]["candidates"], one["against"]) for one in found] == [
        (count, name)
        for count in (2, 3)
        for name in ("one-batch", "one-by-one", "published", "plain-forward")
    ]
    assert all(set(one) == FIELDS for one in found)
    assert json.loads(out.read_text(encoding="utf-8")) == found
    assert "ours" in ran.stderr


def test_training_prints_json_alone(folder: Path) -> None:
    asked = ["--backbone", str(folder), "--negatives", "2", "--images", "with"]
    ran = CliRunner().invoke(app, ["bench", "training", *asked, *SMALL])
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [one["against"] for one in found] == ["one-batch", "published"]
    assert all(set(one) == FIELDS for one in found)


def test_taste_prints_json_alone_and_writes_the_same(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "taste.json"
    asked = ["--backbone", str(folder), "--history", "2,4", "--users", "2", "--candidates", "2"]
    small = ["--item-tokens", "4", "--taste-tokens", "3", "--images", "without", *SMALL[2:]]
    ran = CliRunner().invoke(app, ["bench", "taste", *asked, *small, "--out", str(out)])
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [one["conditions"]["history"] for one in found] == [2] * 7 + [4] * 7
    assert all(set(one) == FIELDS for one in found)
    assert json.loads(out.read_text(encoding="utf-8")) == found


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["scoring", "--against", "magic"], "one-batch, one-by-one"),
        (["training", "--against", "plain-forward"], "one-batch, published"),
        (["scoring", "--prefix", "128,x"], "no list of whole numbers"),
        (["scoring", "--candidates", "0"], "no list of whole numbers"),
        (["scoring", "--images", "maybe"], "both"),
        (["scoring", "--answer-tokens", "31"], "30"),
        (["taste", "--history", "6,none"], "no list of whole numbers"),
        (["taste", "--block", "0"], "--block"),
        (["taste", "--users", "0"], "--users"),
        (["taste", "--taste-tokens", "0"], "--taste-tokens"),
    ],
)
def test_wrong_usage_is_told_what_there_is(options: list[str], told: str) -> None:
    ran = CliRunner().invoke(app, ["bench", *options])
    assert ran.exit_code == 2
    assert told in " ".join(ran.stderr.replace("│", " ").split())


def test_an_unknown_backbone_is_told_the_known_ones() -> None:
    ran = CliRunner().invoke(app, ["bench", "scoring", "--backbone", "gpt"])
    assert ran.exit_code == 1
    assert "embedded, smolvlm-256m, qwen2.5-vl-7b" in str(ran.exception)
