import pytest

from gistrec.counted import counted


@pytest.mark.parametrize(
    ("n", "told"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1200, "1,200 epochs")]
)
def test_one_is_not_many(n: int, told: str) -> None:
    assert counted(n, "epoch") == told
