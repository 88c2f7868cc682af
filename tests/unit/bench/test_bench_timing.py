import sys
import time

import pytest
import torch

from gistrec.bench.memory import free_mib, taken_mib
from gistrec.bench.timing import Timed, Work, take_turns

CPU = torch.device("cpu")


def test_ways_take_turns_in_changing_order_behind_a_first_run_each() -> None:
    ran: list[str] = []
    works = {name: Work(lambda name=name: ran.append(name)) for name in ("a", "b")}
    found = take_turns(works, CPU, repeats=3, limit_seconds=60)
    assert ran == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert [len(timed.seconds) for timed in found.values()] == [3, 3]


def test_what_is_slow_runs_as_often_as_the_limit_allows() -> None:
    runs = {"slow": 0, "quick": 0}

    def slow() -> None:
        runs["slow"] += 1
        time.sleep(0.1)

    def quick() -> None:
        runs["quick"] += 1

    works = {"slow": Work(slow), "quick": Work(quick)}
    found = take_turns(works, CPU, repeats=5, limit_seconds=0.15)
    assert runs == {"slow": 1, "quick": 1 + 5}  # the slow one's first run counts
    assert len(found["slow"].seconds) == 1
    assert 0.1 <= found["slow"].best < 1


def test_what_comes_before_a_run_is_off_the_clock() -> None:
    work = Work(lambda: None, before=lambda: time.sleep(0.05))
    found = take_turns({"a": work}, CPU, repeats=2, limit_seconds=60)["a"]
    assert max(found.seconds) < 0.05


def test_best_and_median() -> None:
    timed = Timed((3.0, 1.0, 2.5), None)
    assert (timed.best, timed.median) == (1.0, 2.5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux starts a new peak")
def test_memory_is_what_a_run_takes_at_its_peak() -> None:
    held = torch.ones(64 * 2**18)  # 64 MiB, held before
    taken = taken_mib(lambda: torch.ones(96 * 2**18).sum(), CPU)
    nothing = taken_mib(lambda: held[0].item(), CPU)
    if taken is None or nothing is None:
        pytest.skip("this system does not start a new peak")
    assert 90 < taken < 130
    assert nothing < 20
    assert free_mib(CPU) > 0
