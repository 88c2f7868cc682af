import json
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

SPACE = """
parameters:
  - {setting: recommender.learning_rate, low: 1.0e-4, high: 1.0e-2, log: true}
"""


@pytest.fixture(scope="module")
def searched(tiny: Tiny, gistrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search over a baseline and a system that asks a model, made by the command."""
    out = tmp_path_factory.mktemp("search")
    space = out / "space.yaml"
    space.write_text(SPACE, encoding="utf-8")
    made = out / "made"
    asked = ["search", "--dataset", tiny.bazaar, "--systems", "itemknn,mmsrarec", "--out", made]
    asked += ["--config", tiny.config, "--trials", 2, "--space", f"mmsrarec={space}"]
    done = gistrec.done(*asked)
    assert "budget: 2 trials a system" in done.out
    assert f"gistrec run --system mmsrarec --dataset {tiny.bazaar} --config {made}" in done.out
    again = gistrec.done(*asked)
    assert again.out == done.out
    assert "starts" not in again.err
    return made


def test_a_trial_of_the_learning_rate_makes_no_gists(searched: Path) -> None:
    first, second = (searched / "mmsrarec" / "trials" / name for name in ("000", "001"))
    shared = ("split", "baseline-sasrec", "backbone", "gist", "collab", "evaluation-oracle")
    for stage in shared:
        manifest = f"{stage}/manifest.json"
        assert (second / manifest).samefile(first / manifest), stage
    own = "recommender/manifest.json"
    assert not (second / own).samefile(first / own)
    stages = {manifest.parent.name for manifest in second.glob("*/manifest.json")}
    assert stages == {*shared, "recommender", "evaluation-mmsrarec"}


def test_no_trial_knows_a_test_user(tiny: Tiny, searched: Path) -> None:
    tested = set(pl.read_parquet(tiny.run / "split" / "test.parquet")["user_id"])
    valid = set(pl.read_parquet(tiny.run / "split" / "valid.parquet")["user_id"])
    named: set[str] = set()
    for file in searched.rglob("*.parquet"):
        table = pl.read_parquet(file)
        named |= set(table["user_id"]) if "user_id" in table.columns else set()
    assert named >= valid
    assert not named & tested


def test_the_best_of_it_is_a_configuration_of_its_own(
    tiny: Tiny, searched: Path, gistrec: Command, tmp_path: Path
) -> None:
    best = searched / "itemknn" / "best.yaml"
    run = tmp_path / "run"
    asked = ["run", "--system", "itemknn", "--dataset", tiny.bazaar, "--run", run, "--config", best]
    gistrec.done(*asked, "--set", "baselines.names=[itemknn]")
    rows = json.loads((run / "leaderboard.json").read_bytes())
    assert {(row["system"], row["split"]) for row in rows} == {
        (system, "users") for system in ("itemknn", "oracle")
    }
    records = json.loads((searched / "search.json").read_bytes())
    assert [record["ended_by"] for record in records] == ["trials", "trials"]
    asked = json.loads((searched / "itemknn/trials/000/leaderboard.json").read_bytes())
    assert {row["split"] for row in asked} == {"users, validation"}


def test_what_cannot_be_searched_is_refused(tiny: Tiny, gistrec: Command, tmp_path: Path) -> None:
    asked = ["search", "--dataset", tiny.bazaar, "--out", tmp_path / "s", "--systems"]
    refused = gistrec(*asked, "itemkn")
    assert refused.code == 1
    assert "nothing says what to search of 'itemkn'" in refused.err
    refused = gistrec(*asked, "ease", "--space", "sasrec=x.yaml")
    assert refused.code == 1
    assert "of one of --systems" in refused.err
    refused = gistrec(*asked, "ease", "--metric", "AUC")
    assert refused.code == 1
    assert "--metric" in refused.err
    assert not (tmp_path / "s").exists()
