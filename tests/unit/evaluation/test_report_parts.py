from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from evaluation_cases import make_ranks
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_cases import LEVELS, OWN, ranks, row, rows, write_run

from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.contestants import contestants
from gistrec.evaluation.report.board import HEADLINE, boards, span
from gistrec.evaluation.report.cards import long_tail
from gistrec.evaluation.report.cost import _apart, priced
from gistrec.evaluation.report.curves import Course, Curve, course_panels
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.report.glance import glances
from gistrec.evaluation.report.strata_panels import strata_panels
from gistrec.evaluation.report.thumbnails import thumbnail
from gistrec.evaluation.report.told_apart import told_apart
from gistrec.evaluation.report.variants import variants
from gistrec.evaluation.row import Metric


def test_a_board_stands_in_order_with_the_oracle_on_top() -> None:
    first, second = boards(rows(("sampled", "full")), OWN)
    assert (first.protocol, second.protocol) == ("full", "sampled")
    assert first.lines[0].system == "oracle"
    values = [line.cells[0].value or 0.0 for line in first.lines[1:]]
    assert values == sorted(values, reverse=True)
    kinds = {line.system: line.kind for line in first.lines}
    assert kinds == {
        **dict.fromkeys(("mmsrarec", "mmsrarec+fusion"), "own"),
        **dict.fromkeys(("popularity", "itemknn"), "baseline"),
        "oracle": "oracle",
    }


def test_the_distance_to_the_oracle_is_a_share_of_its_headline() -> None:
    table = [row("oracle", make_ranks([0, 0])), row("popularity", make_ranks([0, 10]))]
    (board,) = boards(table, OWN)
    place = [column.name for column in board.columns].index("of the oracle")
    oracle, popularity = (line.cells[place] for line in board.lines)
    assert (oracle.text, popularity.text) == ("100%", "50%")


def test_without_an_oracle_there_is_no_such_column() -> None:
    (board,) = boards([row("popularity", ranks(9))], OWN)
    assert "of the oracle" not in [column.name for column in board.columns]
    assert {len(line.cells) for line in board.lines} == {len(board.columns)}


def test_intervals_are_drawn_on_one_scale_without_the_oracle() -> None:
    (board,) = boards(rows(("sampled",)), OWN)
    bars = {line.system: line.cells[0].bar for line in board.lines}
    assert bars.pop("oracle") is None
    found = [bar for bar in bars.values() if bar is not None]
    assert all(0 <= low <= value <= high <= 100 for low, value, high in found)
    assert max(high for _, _, high in found) == 100


def test_a_system_measured_on_a_server_is_the_runs_own() -> None:
    assert OWN.kind("mmsrarec@server") == "own"
    assert Entrants(()).kind("mmsrarec") == "baseline"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "under 0.1 s"), (0.004, "4 ms"), (0.1, "0.1 s"), (90, "90.0 s"), (600, "10 min")],
)
def test_times_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_systems_are_held_against_the_best_baseline_and_never_the_oracle(tmp_path: Path) -> None:
    run, table = write_run(tmp_path), rows(("sampled",))
    told = told_apart(contestants([run], "sampled"), table, OWN)
    assert told is not None
    assert told.baseline == "itemknn"
    assert [line.split(" by ")[0] for line in told.own] == [
        "mmsrarec+fusion beats itemknn",
        "mmsrarec beats itemknn",
    ]
    assert len(told.others) == 1
    assert "oracle" not in " ".join((*told.own, *told.others))
    (glance,) = glances(table, [told], OWN)
    assert told.own[0] in glance.told
    assert "of the best that can be reached" in glance.told


def test_where_there_is_no_baseline_nothing_is_compared(tmp_path: Path) -> None:
    run = write_run(tmp_path, {"mmsrarec": 3, "oracle": 0})
    assert told_apart(contestants([run], "sampled"), rows(("sampled",)), OWN) is None


def test_of_baselines_alone_the_best_is_shown_at_a_glance() -> None:
    (glance,) = glances(rows(("sampled",)), (), Entrants(()))
    assert glance.told.startswith("mmsrarec+fusion, 95% interval")


def test_strata_show_each_system_but_the_oracle_and_figures_of_all() -> None:
    found = strata_panels(rows(("full",)), OWN)
    assert len(found) == 2
    for strata in found:
        assert sorted(panel.system for panel in strata.panels) == sorted(LEVELS.keys() - {"oracle"})
        assert {system for system, _ in strata.figures} == LEVELS.keys()
        assert sum(users for _, users in strata.labels) == 40


def test_one_stratum_alone_is_not_drawn() -> None:
    same = ranks(4).with_columns(history_length=7, target_count=7)
    assert strata_panels([row("popularity", same)], OWN) == ()


def test_costs_are_drawn_of_what_is_known() -> None:
    both = priced(rows(("full",)), {"popularity": 0.001, "mmsrarec": 0.1}, OWN)
    assert [one.title for one in both] == ["All that made the system", "One question"]
    assert "popularity 1 ms" in both[1].chart
    assert "oracle" not in both[0].chart
    assert len(priced(rows(("full",)), {"mmsrarec": 0.1}, OWN)) == 1


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12).map(sorted),
    st.floats(0.001, 0.2),
)
def test_names_beside_a_chart_do_not_cover_one_another(values: list[float], gap: float) -> None:
    heights = _apart(values, gap)
    assert len(heights) == len(values)
    assert all(later - earlier > gap * 0.999 for earlier, later in pairwise(heights))
    assert heights[0] > 0


def test_a_course_says_what_was_kept() -> None:
    rising = Curve("recommender", ((1.0, 0.1), (2.0, 0.3)))
    kept, start, untold = course_panels(
        [
            Course("one", "epoch", "NDCG@5", (rising,), 2),
            Course("two", "step", "reward", (rising,), 0),
            Course("three", "epoch", "NDCG@5", (rising, Curve("bare", ()))),
            Course("four", "epoch", "NDCG@5", (Curve("bare", ()),)),
        ]
    )
    assert kept.told == "Epoch 2 was kept."
    assert "None was better than the start" in start.told
    assert untold.told == ""
    assert "recommender from 0.1 to 0.3" in kept.chart


def test_the_long_tail_counts_every_item() -> None:
    chart, told = long_tail(np.array([0, 0, 1, 2, 3, 4, 7, 8, 15, 60]))
    assert "0: 2; 1: 1; 2-3: 2; 4-7: 2; 8-15: 2; 16-31: 0; 32-63: 1" in chart
    assert told.startswith("The most popular tenth of the items takes 60% of all interactions")
    assert "60% of the items have fewer than five" in told


def test_items_that_nobody_chose_make_no_tail() -> None:
    assert long_tail(np.zeros(3, dtype=np.int64))[1] == "No item was ever chosen."


def test_a_thumbnail_is_small_and_stands_in_the_page() -> None:
    stream = BytesIO()
    Image.new("RGBA", (400, 200), (200, 30, 30, 255)).save(stream, "PNG")
    uri = thumbnail(stream.getvalue())
    kind, _, data = uri.partition(";base64,")
    assert kind == "data:image/webp"
    assert len(data) < 2000
    assert thumbnail(None) == ""


def variant(name: str, protocol: str, less: float | None, group: str = "ablation") -> AblationRow:
    level = Metric(value=0.5, low=0.4, high=0.6)
    difference = {} if less is None else {HEADLINE: Metric(value=less, low=less, high=less + 0.01)}
    return AblationRow(
        variant=name,
        group=group,
        value="" if group == "ablation" else name,
        system="mmsrarec",
        protocol=protocol,
        overrides=("recommender.epochs=0",),
        same_as_full=less is None,
        seeds=(0,),
        seconds=1.0,
        n_users=40,
        metrics={HEADLINE: level},
        difference=difference,
        by_seed={},
    )


def test_variants_stand_beside_what_the_paper_printed_where_it_asked_the_same() -> None:
    pairs = [("full", None), ("without-fine-tuning", -0.2)]
    sampled, full = variants(
        [variant(name, protocol, less) for protocol in ("sampled", "full") for name, less in pairs]
    )
    assert sampled.source.startswith("MMSRARec's Table 6")
    assert sampled.lines[1].printed[0] == "0.269, 0.196, 0.186"
    assert full.printed == full.lines[0].printed == ()
    assert [line.sure for line in full.lines] == [False, True]
    assert full.lines[1].difference.text == "-0.200"


def test_values_of_a_setting_stand_in_their_order() -> None:
    swept = [variant(value, "sampled", 0.0, "taste.block") for value in ("10", "2", "3")]
    (one,) = variants(swept)
    assert [line.variant for line in one.lines] == ["2", "3", "10"]


def test_systems_over_seeds_stand_in_the_leaderboard_alone() -> None:
    assert variants([variant("popularity", "sampled", 0.0, "systems")]) == ()
    assert variants([]) == ()
