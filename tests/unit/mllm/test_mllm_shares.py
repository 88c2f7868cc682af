import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.shares import shares_of


@given(count=st.integers(1, 40), processes=st.integers(1, 5), accumulation=st.integers(1, 4))
def test_every_step_is_the_plain_mean_of_its_batches(
    count: int, processes: int, accumulation: int
) -> None:
    batches = [float(3**place % 101) for place in range(count)]
    parts = [shares_of(batches, one, processes, accumulation) for one in range(processes)]
    assert len({len(part) for part in parts}) == 1
    together = processes * accumulation
    for step, start in enumerate(range(0, count, together)):
        begin = step * accumulation
        taken = [part[begin : begin + accumulation] for part in parts]
        made = sum(sum(share.weight * share.batch for share in some) / len(some) for some in taken)
        real = batches[start : start + together]
        assert made / processes == pytest.approx(sum(real) / len(real))


def test_alone_every_batch_counts_once() -> None:
    shares = shares_of([1, 2, 3, 4, 5], 0, 1, 2)
    assert [(share.batch, share.weight) for share in shares] == [
        (batch, 1.0) for batch in range(1, 6)
    ]
