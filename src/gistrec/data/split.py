"""What trains and what is asked: a split of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gistrec.config.split import SplitConfig
from gistrec.data.cold_items import draw_cold_items
from gistrec.data.dataset import Dataset
from gistrec.data.holdout import NONE, Holdout
from gistrec.data.queries import Queries
from gistrec.data.questions import Rivals, questions, users_to_ask
from gistrec.data.sequences import LongArray, Sequences
from gistrec.data.split_fingerprint import fingerprint_of_log, fingerprint_of_split
from gistrec.data.split_last_out import hold_out_last
from gistrec.data.split_time import hold_out_future
from gistrec.data.split_users import hold_out_users
from gistrec.errors import DataError
from gistrec.progress import say

Mask = npt.NDArray[np.bool_]
_HOLD_OUT: Final[Mapping[str, Callable[[Sequences, Mask, SplitConfig], Holdout]]] = {
    "users": hold_out_users,
    "last-out": hold_out_last,
    "time": hold_out_future,
}
# Streams of random numbers: one for each part, so that a change to one leaves the others alone.
_VALID_STREAM, _TEST_STREAM, _COLD_STREAM, _TRAIN_STREAM = 21, 22, 23, 24


@dataclass(frozen=True, eq=False)
class Split:
    """A training log and the questions that are asked of what was trained on it.

    Attributes:
        kind: `users`, `last-out` or `time`; says so where validation is asked instead of the test.
        seed: of everything drawn.
        train: what may be trained on; users without an item in it are not listed.
        valid: questions for choices made while training.
        test: questions for what is reported.
        cold: test questions whose positives are cold; None where no item was made cold.
        cold_items: bool [n_items], items that the training log was stripped of.
        fingerprint: stands for the catalogue, the training log and all questions.
        log_fingerprint: stands for the catalogue and the log that was split.
        left_out: why users that this kind of split would ask are not asked, and how many.
    """

    kind: str
    seed: int
    train: Sequences
    valid: Queries
    test: Queries
    cold: Queries | None
    cold_items: Mask
    fingerprint: str
    log_fingerprint: str = ""
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def train_counts(self) -> LongArray:
        """int64 [n_items], how often each item stands in the training log."""
        counts = np.bincount(self.train.items, minlength=len(self.cold_items))
        return counts.astype(np.int64)


def make_split(dataset: Dataset, config: SplitConfig) -> Split:
    """Split a dataset; the same dataset and configuration give the same split, negatives included.

    With ``cold_fraction`` the drawn items leave the training log, and validation and test
    positives, negatives and pool are warm items; cold items stay in histories, as they were known.
    ``cold`` asks for each test user's cold item; its negatives are cold, its pool is everything.
    Where ``config.asks`` is `validation`, ``test`` has the questions of ``valid``, ``cold`` none.

    Raises:
        DataError: nothing is left to train on or to ask, or a user left too few items untouched.
    """
    log = dataset.sequences()
    cold_items = draw_cold_items(log, dataset.n_items, config.cold_fraction, config.seed)
    held = _HOLD_OUT[config.kind](log, ~cold_items[log.items], config)
    train = _train(log, held, ~cold_items, config)
    valid, test, cold = _all_questions(log, held, cold_items, config)
    kind: str = config.kind
    if config.asks == "validation":
        kind, test, cold = f"{kind}, validation", valid, None
    left_out = tuple((why, users) for why, users in held.left_out if users)
    for why, users in left_out:
        say(f"split {config.kind}: {users:,} {why}")
    return Split(
        kind=kind,
        seed=config.seed,
        train=train,
        valid=valid,
        test=test,
        cold=cold,
        cold_items=cold_items,
        fingerprint=fingerprint_of_split(dataset.item_ids, train, (valid, test, cold)),
        log_fingerprint=fingerprint_of_log(dataset.item_ids, log),
        left_out=left_out,
    )


def _train(log: Sequences, held: Holdout, warm: Mask, config: SplitConfig) -> Sequences:
    users = np.flatnonzero(held.trained)
    if config.max_train_users is not None and len(users) > config.max_train_users:
        rng = np.random.default_rng([config.seed, _TRAIN_STREAM])
        users = np.sort(rng.choice(users, config.max_train_users, replace=False))
    train = log.prefixes(users, held.trained[users]).keeping(warm)
    train = train.take(np.flatnonzero(train.lengths))
    if not len(train):
        raise DataError("the split leaves no interaction to train on; choose another one")
    return train


def _all_questions(
    log: Sequences, held: Holdout, cold_items: Mask, config: SplitConfig
) -> tuple[Queries, Queries, Queries | None]:
    warm = Rivals(~cold_items, ~cold_items, config.negatives)
    valid_rng, test_rng, cold_rng = (
        np.random.default_rng([config.seed, stream])
        for stream in (_VALID_STREAM, _TEST_STREAM, _COLD_STREAM)
    )
    valid_users = users_to_ask(held.valid, config.max_valid_users, valid_rng)
    test_users = users_to_ask(held.test, config.max_test_users, test_rng)
    for users, what in ((valid_users, "validation"), (test_users, "test")):
        if not len(users):
            message = f"the {config.kind} split leaves no {what} user to ask: such a user needs "
            raise DataError(message + "an earlier item; add interactions or set another split.kind")
    valid = questions(log, valid_users, held.valid, warm, valid_rng)
    test = questions(log, test_users, held.test, warm, test_rng)
    if not cold_items.any():
        return valid, test, None
    moments = held.cold if config.max_test_users is None else _only(held.cold, test_users)
    cold_users = users_to_ask(moments, None, cold_rng)
    if not len(cold_users):
        message = f"no test user of the {config.kind} split chose a cold item after another item; "
        raise DataError(message + "set split.cold_fraction higher, or 0")
    rivals = Rivals(cold_items, np.ones_like(cold_items), config.negatives)
    return valid, test, questions(log, cold_users, moments, rivals, cold_rng)


def _only(moments: LongArray, users: LongArray) -> LongArray:
    kept = np.full_like(moments, NONE)
    kept[users] = moments[users]
    return kept
