"""The papers' split: some users train, others are asked what they chose last.

Validation and test users never train, not even with their histories. Their moments lie anywhere
in time: what the training users did later is known to a model, as in the papers.
"""

import numpy as np

from gistrec.config.split import SplitConfig
from gistrec.data.holdout import NONE, Holdout, Mask, last_where, only_with_history
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError

_STREAM = 11  # of the random numbers that draw users


def hold_out_users(log: Sequences, warm: Mask, config: SplitConfig) -> Holdout:
    """Draw validation and test users; each is asked for its last warm item.

    Args:
        log: all users.
        warm: bool [n], the events whose items may train.
        config: seed and shares.

    Raises:
        DataError: there are fewer than three users.
    """
    n_users = len(log)
    if n_users < 3:
        message = "the users split needs at least 3 users, to train, to validate and to test; "
        raise DataError(f"{message}there are {n_users}: set split.kind=last-out, or add users")
    order = np.random.default_rng([config.seed, _STREAM]).permutation(n_users)
    n_test = max(1, round(n_users * config.test_fraction))
    n_valid = max(1, round(n_users * config.valid_fraction))
    is_test, is_valid = np.zeros(n_users, dtype=np.bool_), np.zeros(n_users, dtype=np.bool_)
    is_test[order[:n_test]] = True
    is_valid[order[n_test : n_test + n_valid]] = True
    last = only_with_history(last_where(log, warm))
    cold = only_with_history(last_where(log, ~warm))
    short = [int(np.count_nonzero(group & (last == NONE))) for group in (is_valid, is_test)]
    return Holdout(
        trained=np.where(is_test | is_valid, 0, log.lengths),
        valid=np.where(is_valid, last, NONE),
        test=np.where(is_test, last, NONE),
        cold=np.where(is_test, cold, NONE),
        left_out=(
            ("validation users with nothing before their last item", short[0]),
            ("test users with nothing before their last item", short[1]),
        ),
    )
