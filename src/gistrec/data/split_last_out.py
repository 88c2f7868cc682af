"""Everyone's second last item validates, everyone's last item tests.

The cuts lie at different times for different users: what others did later is known to a model.
"""

import numpy as np

from gistrec.config.split import SplitConfig
from gistrec.data.holdout import NONE, Holdout, Mask, last_where, positions
from gistrec.data.sequences import Sequences


def hold_out_last(log: Sequences, warm: Mask, config: SplitConfig) -> Holdout:
    """Cut every user before its second last warm item; who is too short only trains.

    A cold item is asked for where it comes after what trains: otherwise the user's own later
    choices would have trained the model that is asked.

    Args:
        log: all users.
        warm: bool [n], the events whose items may train.
        config: not needed here: nothing is drawn.
    """
    test = last_where(log, warm)
    place = positions(log)
    valid = last_where(log, warm & (place < np.repeat(test, log.lengths)))
    asked = valid >= 1
    later = place > np.repeat(valid, log.lengths)
    cold = last_where(log, ~warm & later)
    return Holdout(
        trained=np.where(asked, valid, log.lengths),
        valid=np.where(asked, valid, NONE),
        test=np.where(asked, test, NONE),
        cold=np.where(asked, cold, NONE),
        left_out=(
            (
                "users too short for two questions with a history, who only train",
                int(np.count_nonzero(~asked)),
            ),
        ),
    )
