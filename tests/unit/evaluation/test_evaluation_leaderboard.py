import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from evaluation_cases import make_ranks, random_case
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from gistrec.config.evaluation import EvaluationConfig
from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import (
    add_rows,
    as_frame,
    load_leaderboard,
    read_leaderboard,
    save_leaderboard,
)
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.ranks import load_ranks, ranks_file, save_ranks
from gistrec.evaluation.row import Measured, Row, make_row
from gistrec.evaluation.strata import strata
from gistrec.evaluation.table import leaderboard_table, sorted_rows, stratum_table

QUICK = EvaluationConfig(resamples=50)


def row(system="ease", protocol="full", better=(0, 1, 6, 9), **changes) -> Row:
    measured = Measured(
        system=system,
        protocol=protocol,
        **{"dataset": "bazaar", "split": "users", "split_fingerprint": "feed", "seeds": (0,)}
        | changes,
    )
    return make_row(make_ranks(list(better)), measured, QUICK)


def shown_in_100_columns(table: Table) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()


def test_a_row_holds_every_metric_with_its_interval() -> None:
    found = row(better=[0, 4, 5, 20])
    assert found.n_users == 4
    assert found.metrics["HR@5"].value == 2 / 4
    assert found.metrics["HR@10"].value == 3 / 4
    assert found.metrics["AUC"].value == (20 + 16 + 15 + 0) / 20 / 4
    for kind in ("HR", "NDCG", "MRR"):
        assert all(f"{kind}@{k}" in found.metrics for k in (5, 10, 20))
    assert all(m.low <= m.value <= m.high for m in found.metrics.values())


def test_full_rows_state_the_recall_of_candidates() -> None:
    queries, ranker, item_ids, counts = random_case(0)
    ranker.scores[:, :20] = -np.inf
    measured = row().model_dump(include=set(Measured.model_fields))
    ranks = rank_queries(ranker, queries, "full", item_ids, counts)
    full = make_row(ranks, Measured(**measured), QUICK)
    assert full.metrics["candidate recall"].value == np.mean(queries.positives >= 20)
    assert "AUC pooled" not in full.metrics


def test_strata_split_the_users_and_keep_their_sum() -> None:
    ranks = make_ranks(list(range(20)) * 3)
    labels = {name: set() for name in ("frequency", "length")}
    for name, label, rows in strata(ranks):
        labels[name].add(label)
        assert len(rows)
    assert labels["frequency"] == {"0", "5-9", "10-19", "20-49", "50+"}
    assert labels["length"] == {"1-4", "5-9", "10-19", "20+"}
    found = row(better=list(range(20)) * 3)
    for parts in found.strata.values():
        assert sum(part.n_users for part in parts.values()) == found.n_users
        total = sum(part.n_users * part.metrics["HR@5"].value for part in parts.values())
        assert total / found.n_users == pytest.approx(found.metrics["HR@5"].value)


def test_the_bounds_of_strata_are_inclusive() -> None:
    ranks = make_ranks([0] * 6).with_columns(target_count=pl.Series([0, 1, 4, 5, 49, 50]))
    found = {label: len(rows) for name, label, rows in strata(ranks) if name == "frequency"}
    assert found == {"0": 1, "1-4": 2, "5-9": 1, "20-49": 1, "50+": 1}


def test_a_leaderboard_survives_the_disk(tmp_path: Path) -> None:
    rows = [row(), row("popularity", "sampled", seconds=1.5, peak_mib=200.0)]
    file = save_leaderboard(rows, tmp_path)
    assert load_leaderboard(tmp_path) == rows
    first = json.loads(file.read_text())[0]
    assert list(first) == [
        *("system", "dataset", "split", "split_fingerprint", "protocol", "seeds", "seconds"),
        *("peak_mib", "n_users", "metrics", "strata"),
    ]
    assert set(first["metrics"]["HR@5"]) == {"value", "low", "high"}


def test_a_row_for_the_same_system_and_protocol_is_replaced(tmp_path: Path) -> None:
    add_rows([row(better=[9, 9]), row(protocol="sampled")], tmp_path)
    merged = add_rows([row(better=[0, 0]), row(seeds=(1,))], tmp_path)
    assert merged == load_leaderboard(tmp_path)
    assert [(r.protocol, r.seeds) for r in merged] == [
        ("full", (0,)),
        ("sampled", (0,)),
        ("full", (1,)),
    ]
    assert merged[0].metrics["HR@5"].value == 1


def test_runs_on_one_split_stand_in_one_table(tmp_path: Path) -> None:
    save_leaderboard([row("a"), row("b")], tmp_path / "one")
    save_leaderboard([row("b"), row("b", seeds=(1,))], tmp_path / "two")
    rows = read_leaderboard([tmp_path / "one", tmp_path / "two"])
    assert [(r.system, r.seeds) for r in rows] == [("a", (0,)), ("b", (0,)), ("b", (1,))]


def test_a_system_that_did_the_same_in_many_runs_is_one_row_whatever_it_took(
    tmp_path: Path,
) -> None:
    runs = [tmp_path / name for name in "ABC"]
    for seconds, run in enumerate(runs):
        took = {"seconds": float(seconds), "peak_mib": 9.0 - seconds}
        same = [row("oracle", protocol, **took) for protocol in ("full", "sampled")]
        own = row("mmsrarec", better=[0, seconds, 9], **took)
        alike = row("mmsrarec", "sampled", better=[0, 0], **took)
        save_leaderboard([*same, own, alike], run)
    rows = read_leaderboard(runs)
    assert [(r.protocol, r.seconds) for r in rows if r.system == "oracle"] == [
        ("full", 0.0),
        ("sampled", 0.0),
    ]
    # A system that differs by one protocol is named after its run by every protocol.
    assert [(r.system, r.protocol) for r in rows if "mmsrarec" in r.system] == [
        (f"mmsrarec ({name})", protocol) for name in "ABC" for protocol in ("full", "sampled")
    ]


def test_strata_that_differ_keep_rows_apart_and_protocols_of_two_runs_come_together(
    tmp_path: Path,
) -> None:
    first = row("ease")
    other = first.model_copy(update={"strata": {}})
    save_leaderboard([first], tmp_path / "A")
    save_leaderboard([other, row("oracle")], tmp_path / "B")
    save_leaderboard([row("ease", seconds=1.0), row("oracle", "sampled")], tmp_path / "C")
    rows = read_leaderboard([tmp_path / name for name in "ABC"])
    assert [(r.system, r.protocol) for r in rows] == [
        ("ease (A)", "full"),
        ("ease (B)", "full"),
        ("oracle", "full"),
        ("oracle", "sampled"),
    ]


def test_splits_are_never_mixed(tmp_path: Path) -> None:
    save_leaderboard([row()], tmp_path / "one")
    save_leaderboard([row(split="time", split_fingerprint="beef")], tmp_path / "two")
    with pytest.raises(RunError) as told:
        read_leaderboard([tmp_path / "one", tmp_path / "two"])
    for word in ("one", "two", "'users'", "'time'", "feed", "beef"):
        assert word in str(told.value)
    with pytest.raises(RunError, match="cannot be compared"):
        add_rows([row(split_fingerprint="beef")], tmp_path / "one")
    assert len(load_leaderboard(tmp_path / "one")) == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not readable JSON"),
        ('{"rows": []}', "list"),
        ('[{"system": "x"}]', "row 0.dataset: Field required"),
        ('[{"system": NaN}]', "row 0"),
    ],
)
def test_a_file_that_is_no_leaderboard_is_refused(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "leaderboard.json").write_text(text)
    with pytest.raises(RunError, match=what) as told:
        load_leaderboard(tmp_path)
    assert "leaderboard.json" in str(told.value)


def test_a_missing_leaderboard_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="finish the run first"):
        load_leaderboard(tmp_path)
    with pytest.raises(RunError, match="at least one"):
        read_leaderboard([])


def test_an_unknown_protocol_is_no_row() -> None:
    with pytest.raises(ValidationError):
        row(protocol="mine")


def test_the_flat_table_has_a_line_for_all_and_one_a_stratum() -> None:
    rows = [row("a"), row("b", "sampled")]
    flat = as_frame(rows)
    assert len(flat) == sum(1 + sum(map(len, r.strata.values())) for r in rows)
    everyone = flat.filter(pl.col("stratum").is_null())
    assert everyone["system"].to_list() == ["a", "b"]
    assert everyone["HR@5"].to_list() == [2 / 4, 2 / 4]
    assert everyone["HR@5 low"].to_list() == [r.metrics["HR@5"].low for r in rows]
    assert everyone["seeds"].to_list() == [[0], [0]]


def test_the_order_is_protocol_then_oracle_then_hits() -> None:
    rows = [
        row("weak", "sampled", better=[9, 9]),
        row("weak", better=[9, 9]),
        row("strong", better=[0, 0]),
        row("oracle", better=[0, 9]),
    ]
    assert [(r.protocol, r.system) for r in sorted_rows(rows)] == [
        ("full", "oracle"),
        ("full", "strong"),
        ("full", "weak"),
        ("sampled", "weak"),
    ]


def test_the_table_reads_in_100_columns() -> None:
    rows = [row("mmsrarec-with-a-long-name", p, seeds=(3,)) for p in ("cold-sampled", "full")]
    text = shown_in_100_columns(leaderboard_table([*rows, row("b")], width=100))
    assert max(map(len, text.splitlines())) <= 100
    value = rows[0].metrics["HR@5"]
    shown = [f"{n:.3f}".replace("0.", ".") for n in (value.value, value.low, value.high)]
    assert f"{shown[0]} [{shown[1]}, {shown[2]}]" in text
    assert "bazaar, split users (feed)" in text
    assert "cold-sampled" in text


def on_a_terminal(table: Table, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(table)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "out"),
    [
        (200, []),
        (80, ["MRR@5", "AUC", "users"]),
        (60, ["MRR@5", "AUC", "users", "NDCG@5"]),
    ],
)
def test_a_narrow_terminal_shows_names_whole_and_fewer_figures(width: int, out: list[str]) -> None:
    names = ("mmsrarec", "mmsrarec+evidence", "popularity")
    rows = [row(name, p) for name in names for p in ("cold-sampled", "full")]
    lines = on_a_terminal(leaderboard_table(rows, width=width), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert all(text.count(f" {name} ") == 2 for name in names)
    heading = next(line for line in lines if "HR@5" in line)
    for name in ("protocol", "system", "users", "HR@5", "NDCG@5", "MRR@5", "AUC"):
        assert (name in heading) == (name not in out)
    assert (f"too narrow for {', '.join(out)}" in text) == bool(out)
    assert "…" not in text
    value = rows[0].metrics["HR@5"]
    shown = [f"{n:.3f}".replace("0.", ".") for n in (value.value, value.low, value.high)]
    assert text.count(f"{shown[0]} [{shown[1]}, {shown[2]}]") >= len(rows)


@pytest.mark.parametrize("width", [80, 60])
def test_strata_on_a_narrow_terminal_name_their_systems_whole(width: int) -> None:
    rows = [row("mmsrarec+evidence", better=[0, 4, 5, 20] * 5), row("ease")]
    lines = on_a_terminal(stratum_table(rows, "frequency", width), width)
    assert max(map(len, lines)) <= width
    strata = rows[0].strata["frequency"]
    assert "\n".join(lines).count(" mmsrarec+evidence ") == len(strata)


def test_ties_in_hits_are_ordered_by_how_far_up_they_stand() -> None:
    rows = [
        row("a", better=[4, 9]),
        row("b", better=[0, 9]),
        row("d", better=[3, 9]),
        row("c", better=[3, 9]),
    ]
    assert len({r.metrics["HR@5"].value for r in rows}) == 1
    assert [r.system for r in sorted_rows(rows)] == ["b", "c", "d", "a"]


def test_an_empty_table_can_be_shown() -> None:
    assert "HR@5" in shown_in_100_columns(leaderboard_table([]))


def test_ranks_survive_the_disk_one_file_a_protocol(tmp_path: Path) -> None:
    full, sampled = make_ranks([0, 1]), make_ranks([2, 3])
    assert save_ranks(full, tmp_path, "ease") == tmp_path / "ranks" / "ease.parquet"
    save_ranks(sampled, tmp_path, "ease", "sampled")
    assert load_ranks(tmp_path, "ease").equals(full)
    assert load_ranks(tmp_path, "ease", "sampled").equals(sampled)


def test_ranks_that_are_missing_broken_or_misnamed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="evaluate 'ease' under 'full' first"):
        load_ranks(tmp_path, "ease")
    file = save_ranks(make_ranks([0]).drop("rank"), tmp_path, "ease")
    with pytest.raises(RunError, match="no column rank"):
        load_ranks(tmp_path, "ease")
    file.write_bytes(b"PAR1 not at all")
    with pytest.raises(RunError, match="not readable Parquet"):
        load_ranks(tmp_path, "ease")
    for name in ("../ease", "a/b", ""):
        with pytest.raises(RunError, match="cannot name a file"):
            ranks_file(tmp_path, name)
