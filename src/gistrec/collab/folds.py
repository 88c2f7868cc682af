"""Neighbours for training windows, found out of fold.

An encoder places the users it trained on better than it will ever place a new one. A recommender
that is trained on such neighbours learns to trust them too much; so here each training user is
read by an encoder that never saw it, and meets only users outside its fold.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.collab.knowledge_base import Encoder, build_knowledge_base, encode
from gistrec.collab.neighbours import find_neighbours
from gistrec.config.collab import CollabConfig
from gistrec.data.sequences import LongArray, Sequences
from gistrec.errors import RunError

_STREAM = 4901  # keeps these draws apart from every other use of the same seed


def fold_of(users: pl.Series, folds: int, seed: int) -> LongArray:
    """int64 [u], each user's fold, 0 ... folds - 1; folds differ by one user in size at most.

    The same set of users gives each of them the same fold in whatever order they come.
    """
    distinct = users.unique().sort()
    shuffled = np.random.default_rng([seed, _STREAM]).permutation(len(distinct))
    fold: LongArray = shuffled[distinct.search_sorted(users).to_numpy()] % folds
    return fold


def outside(train: Sequences, fold: LongArray, which: int) -> Sequences:
    """The users of ``train`` outside fold ``which``: what that fold's encoder trains on."""
    return train.take(np.flatnonzero(fold != which))


def out_of_fold_neighbours(
    encoders: Sequence[Encoder],
    train: Sequences,
    rows: LongArray,
    moments: LongArray,
    item_ids: pl.Series,
    config: CollabConfig,
) -> pl.DataFrame:
    """Neighbours of training users at training moments.

    Args:
        encoders: one a fold; number f was trained on ``outside(train, folds, f)`` alone.
        train: the split's training log.
        rows: int64 [m], rows of ``train`` that ask.
        moments: int64 [m], how many of their items are known then.
        item_ids: str [n_items], the ids behind the item codes.
        config: its folds and seed tell who is in which fold.

    Returns:
        As ``find_neighbours``, in the order of ``rows``.

    Raises:
        RunError: there is not one encoder a fold, or too few users for so many folds.
    """
    if len(encoders) != config.folds:
        raise RunError(f"{len(encoders)} encoders for {config.folds} folds; give one a fold")
    fold = fold_of(train.users, config.folds, config.seed)
    tables = []
    for which, encoder in enumerate(encoders):
        asking = np.flatnonzero(fold[rows] == which)
        if not len(asking):
            continue
        base = build_knowledge_base(
            encoder, outside(train, fold, which), config.max_moments, config
        )
        table = find_neighbours(
            base,
            encode(encoder, train, rows[asking], moments[asking]),
            train.users.gather(rows[asking]),
            moments[asking],
            item_ids,
            config.neighbours,
            config.next_items,
        )
        tables.append(table)
    if not tables:
        raise RunError("no training window asks for neighbours")
    asked = pl.DataFrame(
        {
            schema.USER_ID: train.users.gather(rows),
            schema.MOMENT: np.asarray(moments, dtype=np.int64),
        }
    ).unique(maintain_order=True)
    return asked.join(
        pl.concat(tables).unique([schema.USER_ID, schema.MOMENT, schema.RANK], maintain_order=True),
        on=[schema.USER_ID, schema.MOMENT],
        how="inner",
        maintain_order="left_right",
    )
