"""What papers print of systems, beside one's own figures."""

import pytest
from report_cases import OWN, ranks, row

from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.printed_systems import DatasetSize, paper_name, printed_of, same_data
from gistrec.evaluation.report.printed_panel import Surroundings, printed_panel
from gistrec.evaluation.report.told_apart import every_pair

BAZAAR = Surroundings("bazaar", DatasetSize(2000, 1200, 19847), "users", 20, "a small model")


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("microlens-50k", "MicroLens"),
        ("MicroLens", "MicroLens"),
        ("Video_Games 2023", "Amazon-Games"),
        ("amazon-baby", "Amazon-Baby"),
        ("movielens-posters", ""),
        ("bazaar", ""),
    ],
)
def test_a_dataset_is_that_of_the_papers_by_its_name(name: str, printed: str) -> None:
    assert same_data(name) == printed


def test_a_systems_name_in_papers_is_without_setting_and_ending() -> None:
    assert paper_name("mllm-msr-paper / images withheld") == "mllm-msr"
    assert paper_name("mmsrarec@server") == "mmsrarec"
    assert printed_of("mmsrarec+fusion") == ()


def test_each_system_stands_before_what_papers_print_of_it() -> None:
    rows = [
        row(name, ranks(3)) for name in ("hm4sr", "mmsrarec+fusion", "mmsrarec / text withheld")
    ]
    panel = printed_panel(rows, BAZAAR, {})
    assert panel is not None
    assert [line.system for line in panel.lines] == ["hm4sr"] * 4
    ours, *theirs = panel.lines
    assert (ours.here, ours.where) == (True, "here, on bazaar")
    assert [line.where for line in theirs] == [
        f"MMSRARec, Table 4: {name}" for name in ("MicroLens", "Amazon-Baby", "Amazon-Games")
    ]
    hit, ndcg, mrr, auc = theirs[0].cells
    assert (hit.value, ndcg.value, mrr.value, auc.value) == (0.7646, 0.5786, None, 0.8023)


def test_what_differs_is_told() -> None:
    (line,) = _differs("sasrec", BAZAAR)
    assert line.startswith("No paper measured on bazaar")
    micro = Surroundings("microlens-50k", DatasetSize(50000, 19220, 359708), "time", 99, "")
    data, split, negatives = _differs("sasrec", micro)
    assert "MicroLens as papers count it has 25,411 users" in data
    assert "microlens-50k here has 50,000 users" in data
    assert "'time'" in split
    assert "99" in negatives
    told = " ".join(_differs("mllm-msr", BAZAAR, {"mllm-msr": 0.5}))
    assert "here it is a small model" in told
    assert "7.35 s with LLaVA-1.5-7B" in told
    assert "took 0.5 s here" in told
    assert "other figures of MLLM-MSR" in told


def _differs(
    system: str, around: Surroundings, answering: dict[str, float] | None = None
) -> tuple[str, ...]:
    panel = printed_panel([row(system, ranks(3))], around, answering or {})
    assert panel is not None
    return panel.differs


def test_where_papers_print_nothing_there_is_no_panel() -> None:
    assert printed_panel([row("ease", ranks(3)), row("popularity", ranks(9))], BAZAAR, {}) is None


def test_large_differences_are_told_among_many_systems() -> None:
    good = [Contestant(f"good-{at}", (ranks(0, at),)) for at in range(9)]
    bad = [Contestant(f"bad-{at}", (ranks(15, at),)) for at in range(9)]
    pairs = every_pair([*good, *bad], OWN)
    assert len(pairs) == 18 * 17 / 2
    apart = [pair for pair in pairs if pair.better[:4] != pair.worse[:4]]
    assert len(apart) == 81
    assert all(pair.told_apart for pair in apart)
