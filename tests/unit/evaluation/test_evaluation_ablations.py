import json
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from gistrec.config.evaluation import EvaluationConfig
from gistrec.evaluation.ablation_plots import plot_ablation, plot_sweep
from gistrec.evaluation.ablation_table import ablation_tables
from gistrec.evaluation.ablations import AblationRow, Measured, add_ablations
from gistrec.evaluation.printed import beside

CONFIG = EvaluationConfig(resamples=200)


def ranks(of: dict[str, float], ties: int = 0) -> pl.DataFrame:
    """A table of sampled candidates: the positive of each user at this rank of 21."""
    n = len(of)
    return pl.DataFrame(
        {
            "user_id": list(of),
            "positive": [f"item of {user}" for user in of],
            "rank": [float(rank) for rank in of.values()],
            "ties": [ties] * n,
            "n_candidates": [21] * n,
            "auc": [1 - (rank - 1) / 20 for rank in of.values()],
            "auc_pooled": [1 - (rank - 1) / 20 for rank in of.values()],
            "retrieved": [True] * n,
            "history_length": [3] * n,
            "target_count": [3] * n,
        }
    )


def row(
    variant: str,
    group: str = "ablation",
    value: str = "",
    protocol: str = "sampled",
    **ranked: float,
) -> AblationRow:
    measured, full = Measured([ranks(ranked)]), Measured([ranks(dict.fromkeys(ranked, 1.0))])
    return AblationRow(
        variant=variant,
        group=group,
        value=value,
        system="mmsrarec",
        protocol=protocol,
        overrides=(),
        same_as_full=variant == "full",
        seeds=(0,),
        seconds=1.0,
        n_users=measured.n_users(),
        metrics=measured.metrics(CONFIG),
        difference={} if variant == "full" else measured.less(full, CONFIG),
        by_seed=measured.by_seed(),
    )


def test_differences_are_paired_by_user() -> None:
    full = Measured([ranks({"a": 1, "b": 6, "c": 1, "d": 6})])
    worse = Measured([ranks({"a": 6, "b": 6, "c": 1, "d": 6})])
    found = worse.less(full, CONFIG)["HR@5"]
    assert found.value == -1 / 4
    assert found.low < -1 / 4 < found.high <= 0  # unpaired, it would cross 0
    assert worse.metrics(CONFIG)["HR@5"].value == 1 / 4
    assert full.less(full, CONFIG)["NDCG@5"] == full.less(full, CONFIG)["HR@5"]
    assert full.less(full, CONFIG)["HR@5"].low == 0


def test_seeds_are_pooled_and_a_user_is_drawn_whole() -> None:
    first, second = ranks({"a": 1, "b": 6, "d": 6}), ranks({"a": 6, "c": 1})
    both = Measured([first, second])
    hits = (1 + 0 + 0 + 0 + 1) / 5
    assert both.metrics(CONFIG)["HR@5"].value == pytest.approx(hits)
    assert both.by_seed()["HR@5"] == (1 / 3, 1 / 2)
    assert both.n_users() == 4
    assert Measured([first]).by_seed() == {}
    misses = Measured([ranks({"a": 6, "b": 6, "d": 6}), ranks({"a": 6, "c": 6})])
    assert misses.less(both, CONFIG)["HR@5"].value == pytest.approx(-hits)
    # A user who is asked under two seeds is one user: as if asked twice under one.
    alone, twice = Measured([ranks({"a": 1, "b": 6})]), Measured([ranks({"a": 1, "b": 6})] * 2)
    one, two = (each.metrics(CONFIG)["HR@5"] for each in (alone, twice))
    assert (one.low, one.high) == pytest.approx((two.low, two.high))


def test_rows_are_added_and_replaced_as_long_as_the_full_system_is_the_same(
    tmp_path: Path,
) -> None:
    first, again = row("full", a=1, b=2), row("full", a=1, b=3)
    file, every = add_ablations([first], tmp_path, "one")
    assert every == [first]
    swept = row("history-3", "recommender.history", "3", a=1, b=7)
    assert add_ablations([swept], tmp_path, "one")[1] == [first, swept]
    assert add_ablations([again], tmp_path, "one")[1] == [again, swept]
    written = json.loads(file.read_text(encoding="utf-8"))
    assert [one["variant"] for one in written["rows"]] == ["full", "history-3"]
    assert "bootstrap" in written["how"]
    assert add_ablations([swept], tmp_path, "another")[1] == [swept]
    file.write_text("{", encoding="utf-8")
    assert add_ablations([first], tmp_path, "another")[1] == [first]


def on_80_columns(table: Table) -> list[str]:
    console = Console(width=80, record=True, file=StringIO(), force_terminal=True)
    console.print(table)
    return console.export_text().splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("│").split("│")]


def test_what_the_paper_printed_stands_in_a_table_of_its_own_below() -> None:
    rows = [row("full", a=1, b=2), row("without-rlvr", a=1, b=7)]
    rows += [row("full", protocol="full", a=1, b=2)]
    swept = [row("history-1", "recommender.history", "1", a=1, b=7)]
    sampled, printed, full, sweep = ablation_tables([*rows, *swept])
    console = Console(width=250, record=True, file=StringIO())
    console.print(sampled)
    said = console.export_text()
    assert "-0.500 [" in said
    assert "full (mmsrarec)" in said
    assert [sampled.row_count, full.row_count, sweep.row_count] == [2, 1, 1]
    lines = on_80_columns(printed)
    assert lines[0].strip() == "as printed, on other data"
    assert "HR@5" in lines[2]
    assert [cells(line) for line in lines if "Baby" in line] == [
        ["Amazon-Baby", "full", ".815", ".628", ".853"],
        ["Amazon-Baby", "without-rlvr", ".793", ".606", ".838"],
    ]
    assert not any("without-fine-tuning" in line for line in lines)


def test_six_printed_datasets_fit_on_80_columns() -> None:
    names = ("full", "recent-history", "text-only", "without-fine-tuning")
    rows = [row(name, a=1, b=2).model_copy(update={"system": "mllm-msr"}) for name in names]
    lines = on_80_columns(ablation_tables(rows)[1])
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert ["MicroLens", "full", ".782", ".604", ".832"] in [*map(cells, lines)]
    assert sum(".744" in line for line in lines) == 1
    recent = ablation_tables(rows[:2])[1]
    assert recent.row_count == 2 * 3  # MLLM-MSR's own paper prints no such variant


@pytest.mark.parametrize(
    ("system", "variants", "source"),
    [
        ("mllm-msr", ["without-fine-tuning"], "MLLM-MSR"),  # both papers print it
        ("mllm-msr-paper", ["direct", "without-fine-tuning"], "MLLM-MSR"),
        ("mmsrarec", ["without-fine-tuning"], "MMSRARec"),
        ("mmsrarec", ["text-only", "recent-history"], None),
        ("mllm-msr", ["direct"], None),
        ("ours", ["without-fine-tuning", "text-only"], "MLLM-MSR"),
        ("ours", ["collab.neighbours-3"], None),
    ],
)
def test_what_is_printed_is_of_the_systems_own_paper(
    system: str, variants: list[str], source: str | None
) -> None:
    found = beside(["full", *variants], system)
    assert (None if found is None else found.source.split("'")[0]) == source


def test_pictures_are_drawn_of_ablations_and_sweeps(tmp_path: Path) -> None:
    rows = [row("full", a=1, b=2, c=9), row("without-rlvr", a=1, b=7, c=2)]
    plot_ablation([*rows, row("full", protocol="full", a=1, b=2)], tmp_path / "a.png")
    numbers = [row(f"h-{n}", "recommender.history", str(n), a=n, b=7) for n in (3, 1, 10)]
    plot_sweep(numbers, tmp_path / "b.png")
    words = [row(f"l-{n}", "recommender.loss", f'"{n}"', a=1, b=7) for n in ("x", "y")]
    plot_sweep(words, tmp_path / "c.png")
    for name in "abc":
        picture = Image.open(BytesIO((tmp_path / f"{name}.png").read_bytes()))
        assert picture.width > 600
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 2
