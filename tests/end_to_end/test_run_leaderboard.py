import json
import math
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.row import Row
from gistrec.evaluation.table import sorted_rows
from gistrec.pipeline.states import expected_stages

KEYS = {
    "system", "dataset", "split", "split_fingerprint", "protocol", "n_users", "seeds", "metrics",
    "strata", "seconds", "peak_mib",
}  # fmt: skip
MODELS = {"mmsrarec", "mmsrarec+evidence", "mmsrarec+fusion"}
SYSTEMS = {"oracle", "popularity", "sasrec", *MODELS}
PROTOCOLS = {"full", "sampled", "cold-full", "cold-sampled"}


def table_of(tiny: Tiny, row: Row) -> pl.DataFrame:
    suffix = "" if row.protocol == "full" else f".{row.protocol}"
    return pl.read_parquet(tiny.run / "ranks" / f"{row.system}{suffix}.parquet")


def expected(ranks: pl.DataFrame, gain: dict[int, float]) -> float:
    """The mean over users of what their position is worth, ties in every possible order."""
    total = 0.0
    for rank, ties in ranks.select("rank", "ties").iter_rows():
        first = round(rank - ties / 2)
        total += sum(gain.get(first + more, 0.0) for more in range(ties + 1)) / (ties + 1)
    return total / len(ranks)


def test_the_leaderboard_has_the_agreed_keys_and_every_system_by_every_protocol(tiny: Tiny) -> None:
    rows = json.loads((tiny.run / "leaderboard.json").read_text(encoding="utf-8"))
    assert all(set(row) == KEYS for row in rows)
    assert {(row["system"], row["protocol"]) for row in rows} == {
        (system, protocol) for system in SYSTEMS for protocol in PROTOCOLS
    }
    for row in rows:
        assert {"HR@5", "NDCG@5", "MRR@5", "AUC"} <= set(row["metrics"])
        for metric in row["metrics"].values():
            assert set(metric) == {"value", "low", "high"}
        assert row["seconds"] >= 0
        assert row["peak_mib"] > 0


def test_ranks_hold_one_row_a_user_with_the_agreed_columns(tiny: Tiny) -> None:
    for row in load_leaderboard(tiny.run):
        ranks = table_of(tiny, row)
        assert {"user_id", "positive", "rank", "n_candidates"} <= set(ranks.columns)
        assert ranks["user_id"].is_unique().all()
        assert len(ranks) == row.n_users
        assert ranks["rank"].min() >= 1
        assert (ranks["rank"] <= ranks["n_candidates"]).all()
        if row.protocol.endswith("sampled"):
            assert (ranks["n_candidates"] == 1 + 20).all()


def test_the_leaderboard_follows_from_the_ranks(tiny: Tiny) -> None:
    hit = dict.fromkeys(range(1, 6), 1.0)
    discounted = {place: 1 / math.log2(place + 1) for place in range(1, 6)}
    reciprocal = {place: 1 / place for place in range(1, 6)}
    for row in load_leaderboard(tiny.run):
        ranks = table_of(tiny, row)
        for name, gain in (("HR@5", hit), ("NDCG@5", discounted), ("MRR@5", reciprocal)):
            assert row.metrics[name].value == pytest.approx(expected(ranks, gain), abs=1e-12)


def test_all_systems_were_asked_the_same(tiny: Tiny) -> None:
    for protocol in PROTOCOLS:
        rows = [row for row in load_leaderboard(tiny.run) if row.protocol == protocol]
        asked = [table_of(tiny, row).select("user_id", "positive", "n_candidates") for row in rows]
        assert all(other.equals(asked[0]) for other in asked)


def test_no_system_beats_the_oracle_and_it_stands_on_top(tiny: Tiny) -> None:
    rows = sorted_rows(load_leaderboard(tiny.run))
    for protocol in PROTOCOLS:
        of_protocol = [row for row in rows if row.protocol == protocol]
        assert of_protocol[0].system == "oracle"
        best = max(of_protocol, key=lambda row: row.metrics["NDCG@5"].value)
        assert best.system == "oracle"


def test_cold_questions_are_about_items_that_never_trained(tiny: Tiny) -> None:
    items = pl.read_parquet(tiny.bazaar / "items.parquet")["item_id"]
    train = pl.read_parquet(tiny.run / "split" / "train.parquet")
    trained = set(items.gather(train["items"].explode()))
    cold = pl.read_parquet(tiny.run / "ranks" / "mmsrarec.cold-full.parquet")
    warm = pl.read_parquet(tiny.run / "ranks" / "mmsrarec.parquet")
    assert len(cold) > 0
    assert not trained & set(cold["positive"])
    assert trained & set(warm["positive"])


def test_what_a_person_reads_names_every_stage_once_and_nothing_foreign(tiny: Tiny) -> None:
    said = tiny.said
    started = re.findall(r"^(\S+): starts$", said, flags=re.MULTILINE)
    done = re.findall(r"^(\S+): done in", said, flags=re.MULTILINE)
    assert started == done
    config = load_config(SystemConfig, "mmsrarec", tiny.config)
    assert started == expected_stages(config, oracle=True)
    for foreign in (
        "Warning",
        "warning",
        "Loading weights",
        "Writing model",
        "Traceback",
        "stands",
    ):
        assert foreign not in said


@pytest.mark.parametrize("column", ["protocol", "system", "HR@5", "NDCG@5", "AUC"])
def test_the_printed_table_is_whole_where_there_is_no_terminal(tiny: Tiny, column: str) -> None:
    lines = tiny.said.splitlines()
    heading = next(line for line in lines if "HR@5" in line)
    assert column in heading
    assert "…" not in tiny.said
    drawn = lines[lines.index(heading) - 1 :]
    table = [line for line in drawn if line[0] in "┏┃┡│├└"]  # notes may follow
    assert len(table) > 5
    assert len({len(line) for line in table}) == 1
    assert heading.endswith("┃")


def test_evaluate_shows_a_protocol_whole_and_by_stratum(tiny: Tiny, gistrec: Command) -> None:
    whole = gistrec.done("evaluate", "--run", tiny.run, "--protocol", "cold-full").out
    assert "cold-full" in whole
    assert "sampled" not in whole
    parts = gistrec.done("evaluate", "--run", tiny.run, "--stratum", "length").out
    assert "5-9" in parts
    assert "oracle" in parts
    for wrong in (["--protocol", "fuller"], ["--stratum", "height"]):
        refused = gistrec("evaluate", "--run", tiny.run, *wrong)
        assert refused.code == 1
        assert wrong[1] in refused.err


def test_leaderboard_of_two_runs_on_one_split_shows_a_row_once(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    one, two = (
        json.loads(gistrec.done("leaderboard", *runs, "--protocol", "full", "--json").out)
        for runs in ([tiny.run], [tiny.run, other])
    )
    assert one == two
    assert one[0]["system"] == "oracle"


def test_doctor_finds_nothing_amiss_in_a_finished_run(tiny: Tiny, gistrec: Command) -> None:
    shown = gistrec("doctor", "--run", tiny.run).out
    of_run = shown[shown.index(f"run {tiny.run}") :].splitlines()[1:]
    # So few validation users leave the fusion without weights, which is nobody's fault.
    others = [line for line in of_run if not line.startswith("  ok ")]
    assert len(of_run) > len(others) == 1
    assert others[0].startswith("  off stage fusion: not fitted: ")
