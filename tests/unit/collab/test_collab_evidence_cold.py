import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gistrec.collab.evidence_cold import some_as_if_cold
from gistrec.collab.told import Support, Told

PAIRS = 4000


def told(pairs: int = PAIRS) -> Told:
    ones = np.ones(pairs, dtype=np.int64)
    offsets = np.array([0, pairs], dtype=np.int64)
    return Told(50, offsets, Support(3 * ones, 7 * ones), Support(ones, ones), 9 * ones, 5 * ones)


@given(st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 99))
def test_such_a_share_is_unknown_in_all_that_the_log_says_of_the_item_itself(
    share: float, seed: int
) -> None:
    cold = some_as_if_cold(told(), share, [seed])
    assert cold.shared is not None
    assert cold.similar is not None
    unknown = cold.encoder == 0
    assert abs(unknown.mean() - share) < 0.05
    for values, plain in (
        (cold.shared.users, 3),
        (cold.shared.places, 7),
        (cold.encoder, 9),
        (cold.popularity, 5),
    ):
        np.testing.assert_array_equal(values, np.where(unknown, 0, plain))
    np.testing.assert_array_equal(cold.similar.users, 1)
    again = some_as_if_cold(told(), share, [seed])
    np.testing.assert_array_equal(again.encoder, cold.encoder)


def test_which_ones_depends_on_the_seed() -> None:
    one, other = (some_as_if_cold(told(), 0.5, [seed]).encoder for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_kinds_that_are_off_stay_off() -> None:
    nothing = Told(50, np.array([0, 2], dtype=np.int64), None, None, None, None)
    assert some_as_if_cold(nothing, 0.5, [0]) == nothing
