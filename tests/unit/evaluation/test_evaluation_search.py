from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from gistrec.errors import RunError
from gistrec.evaluation.search import (
    SEARCH_FILE,
    SearchRecord,
    SearchTrial,
    find_search,
    save_search,
)
from gistrec.evaluation.search_table import search_table, settings_table


def record(*values: float | None, searched: tuple[str, ...] = ("a.b",)) -> SearchRecord:
    """A search of these values, 10 s each; None failed."""
    return SearchRecord(
        system="toy",
        dataset="shop",
        metric="NDCG@5",
        protocol="sampled",
        users=7,
        seed=0,
        searched=searched,
        most_trials=len(values),
        most_seconds=None,
        ended_by="trials",
        trials=tuple(
            SearchTrial(
                number=number,
                settings={"a.b": number},
                state="failed" if value is None else "done",
                value=value,
                message="it broke" if value is None else None,
                seconds=10.0,
            )
            for number, value in enumerate(values)
        ),
        mark="m",
    )


def shown(table: Table) -> str:
    console = Console(width=200, record=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_of_equal_trials_the_first_is_the_best_so_that_defaults_stay() -> None:
    best = record(0.2, None, 0.3, 0.3).best
    assert best is not None
    assert best.number == 2
    assert record(0.3, 0.3).best == record(0.3).trials[0]
    assert record(None).best is None
    assert record(-0.0, None).best is not None


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 100) | st.none())
def test_a_budget_keeps_the_first_trials(tried: int, trials: int, seconds: int | None) -> None:
    now = record(*([0.1] * tried)).within(trials, seconds)
    # The own settings, and each further one that began before the seconds were spent.
    by_seconds = tried if seconds is None else -(-seconds // 10)
    assert len(now.trials) == min(tried, trials, by_seconds)
    assert now.trials == record(*([0.1] * tried)).trials[: len(now.trials)]
    if len(now.trials) == trials:
        assert now.ended_by == "trials"
    elif seconds is not None and now.seconds >= seconds:
        assert now.ended_by == "seconds"
    else:
        assert now.ended_by is None


def test_a_trial_under_way_is_not_counted() -> None:
    begun = record(0.1)
    more = (*begun.trials, SearchTrial(number=1, settings={"a.b": 1}, seconds=3.0))
    begun = begun.model_copy(update={"trials": more})
    assert begun.within(2, None).ended_by is None
    assert begun.within(1, None).ended_by == "trials"


def test_where_nothing_is_searched_one_trial_is_all() -> None:
    assert record(0.1, searched=()).within(20, None).ended_by == "nothing to search"


def test_a_record_is_read_as_it_was_written_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert find_search(tmp_path) is None
    save_search(record(0.1, None), tmp_path)
    assert find_search(tmp_path) == record(0.1, None)
    (tmp_path / SEARCH_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"search\.json is damaged"):
        find_search(tmp_path)


def test_the_table_tells_the_budget_and_the_gain_over_the_default() -> None:
    told = shown(search_table([record(0.25, None, 0.3), record(None)]))
    assert "shop: NDCG@5, sampled, on 7 validation users" in told
    assert "budget: 3 trials a system, its own settings first" in told
    assert "0.2500" in told
    assert "+0.0500" in told
    settings = shown(settings_table([record(0.25, None, 0.3)]))
    assert [part.strip() for part in settings.splitlines()[4].split("│")[1:5]] == [
        "toy",
        "a.b",
        "0",
        "2",
    ]
