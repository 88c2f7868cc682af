"""One cut in calendar time for all: the only split in which nothing later is known."""

import numpy as np

from gistrec.config.split import SplitConfig
from gistrec.data.holdout import (
    Holdout,
    Mask,
    first_where,
    last_where,
    only_with_history,
)
from gistrec.data.sequences import LongArray, Sequences
from gistrec.errors import DataError


def hold_out_future(log: Sequences, warm: Mask, config: SplitConfig) -> Holdout:
    """Train on all before the validation cut; ask each user for its first warm item after a cut.

    The cuts are the moments after which the configured shares of all interactions lie; events of
    one moment lie on the same side. A question's history is all that the user did before it.

    Args:
        log: all users.
        warm: bool [n], the events whose items may train.
        config: shares of interactions.

    Raises:
        DataError: the times are too alike to be cut twice.
    """
    times = log.timestamps
    from_valid, from_test = _cuts(times, config)
    after = times >= from_test
    valid = first_where(log, warm & (times >= from_valid) & ~after)
    test = first_where(log, warm & after)
    new = [int(np.count_nonzero(first == 0)) for first in (valid, test)]
    return Holdout(
        trained=1 + last_where(log, times < from_valid),
        valid=only_with_history(valid),
        test=only_with_history(test),
        cold=only_with_history(first_where(log, ~warm & after)),
        left_out=(
            ("users of the validation period with nothing before it", new[0]),
            ("users of the test period with nothing before it", new[1]),
        ),
    )


def _cuts(times: LongArray, config: SplitConfig) -> tuple[int, int]:
    """The moments from which events validate and test."""
    n = len(times)
    places = [
        min(n - 1, int(n * (1 - config.valid_fraction - config.test_fraction))),
        min(n - 1, int(n * (1 - config.test_fraction))),
    ]
    from_valid, from_test = np.partition(times, places)[places]
    if not times.min() < from_valid < from_test:
        raise DataError(
            f"the times cannot be cut twice: they begin at {times.min()}, validation would at "
            f"{from_valid}, the test at {from_test}; use another split, or other fractions"
        )
    return int(from_valid), int(from_test)
