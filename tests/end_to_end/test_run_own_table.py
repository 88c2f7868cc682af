"""A person's own log of ids and titles, without a single image."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

N_USERS, N_ITEMS = 40, 60
SIGNS = ("☕", "📚", "🎧", "🧦")


@pytest.fixture(scope="module")
def own(gistrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of ids that look like numbers, signs in titles, and a user seen once."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(11)
    items = [f"{number:04d}" for number in range(N_ITEMS)]
    titles = [f"{SIGNS[number % 4]} [sale] thing {number}, “été”" for number in range(N_ITEMS)]
    pl.DataFrame({"item_id": items, "title": titles}).write_csv(folder / "items.csv")
    rows = [("007", items[0], 1)]
    for user in range(N_USERS):
        chosen = rng.choice(N_ITEMS, 6, replace=False)
        rows += [(f"{user + 100:05d}", items[item], place) for place, item in enumerate(chosen)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    log.write_csv(folder / "log.csv")
    files = [folder / "log.csv", folder / "items.csv"]
    gistrec.done("data", "import", "table", *files, "--out", folder / "dataset")
    return folder / "dataset"


@pytest.fixture(scope="module")
def run(own: Path, tiny: Tiny, gistrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own-run") / "run"
    asked = ["--dataset", own, "--run", folder, "--config", tiny.config]
    settings = ("split.cold_fraction=0", "baselines.names=[sasrec]", "recommender.epochs=1")
    flags = [flag for setting in settings for flag in ("--set", setting)]
    gistrec.done("run", "--system", "mmsrarec", *asked, *flags)
    return folder


def test_it_runs_to_a_leaderboard_without_an_oracle_and_without_cold_questions(run: Path) -> None:
    rows = json.loads((run / "leaderboard.json").read_bytes())
    assert {(row["system"], row["protocol"]) for row in rows} == {
        (system, protocol)
        for system in ("sasrec", "mmsrarec", "mmsrarec+evidence", "mmsrarec+fusion")
        for protocol in ("full", "sampled")
    }


def test_ids_keep_their_zeros(run: Path) -> None:
    ranks = pl.read_parquet(run / "ranks" / "mmsrarec.parquet")
    assert ranks["user_id"].str.len_chars().unique().to_list() == [5]
    assert ranks["positive"].str.len_chars().unique().to_list() == [4]


def test_signs_in_titles_reach_the_person(run: Path, gistrec: Command) -> None:
    told = json.loads(gistrec.done("recommend", "--run", run, "--user", "00100", "--json").out)
    assert all(item["title"][0] in SIGNS and "été" in item["title"] for item in told["items"])
    table = gistrec.done("recommend", "--run", run, "--user", "00100").out
    # Square brackets are no markup, neither in the table nor below it; gists may hold them as well.
    shown = " ".join([*told["history"], *(f"{i['title']} {i['gist']}" for i in told["items"])])
    assert table.count("[sale]") >= shown.count("[sale]") >= len(told["items"])


def test_a_user_seen_once_gets_recommendations(run: Path, gistrec: Command) -> None:
    told = json.loads(gistrec.done("recommend", "--run", run, "--user", "007", "--json").out)
    assert len(told["history"]) == 1
    assert told["items"]
    assert "0000" not in {item["item_id"] for item in told["items"]}


def test_a_user_whose_zeros_were_lost_is_unknown(run: Path, gistrec: Command) -> None:
    ended = gistrec("recommend", "--run", run, "--user", "7")
    assert ended.code == 1
    assert "user '7' is not in" in ended.err
