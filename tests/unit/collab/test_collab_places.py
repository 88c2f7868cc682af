import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gistrec.collab.places import places

few_values = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])


@given(
    drawn=st.integers(1, 9).flatmap(
        lambda size: st.tuples(
            arrays(np.float32, (3, size), elements=few_values),
            arrays(np.bool_, (3, size)),
            st.lists(st.tuples(st.integers(0, 2), st.integers(0, size - 1)), max_size=12),
        )
    )
)
def test_a_place_is_one_more_than_what_is_better(drawn: tuple) -> None:
    scores, barred, pairs = drawn
    rows, codes = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [
        1 + int(((scores[row] > scores[row, code]) & ~barred[row]).sum()) for row, code in pairs
    ]
    assert places(scores, barred, rows, codes).tolist() == expected
