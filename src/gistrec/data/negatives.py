"""Sampled candidates: items that a user never touched, uniform and without replacement."""

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import IntArray, LongArray, Sequences
from gistrec.errors import DataError

_ROUNDS = 4  # of rejection, before the few rows that still lack are drawn exactly
_CELLS = 4_000_000  # numbers drawn at a time: 32 MB


def draw_negatives(
    touched: Sequences, pool: npt.NDArray[np.bool_], n: int, rng: np.random.Generator
) -> IntArray:
    """Items of ``pool`` that the users never touched; every such set of ``n`` is equally likely.

    Args:
        touched: all that u users ever chose, the future included.
        pool: bool [n_items], what may be drawn.
        n: how many for each user.
        rng: the only source of chance.

    Returns:
        int32 [u, n], distinct within a row.

    Raises:
        DataError: a user leaves fewer than ``n`` items of the pool untouched.
    """
    codes = np.flatnonzero(pool)
    places = np.full(len(pool), -1, dtype=np.int64)
    places[codes] = np.arange(len(codes))
    in_pool = places[touched.items] >= 0
    own = np.sort((touched.rows() * len(codes) + places[touched.items])[in_pool])
    own = own[np.diff(own, prepend=-1) > 0]  # (row, place) pairs, ascending, each once
    _refuse_too_few(touched, own, len(codes), n)
    drawn = np.empty((len(touched), n), dtype=np.int64)
    open_rows = np.arange(len(touched), dtype=np.int64)
    for _ in range(_ROUNDS):
        open_rows = _rejecting(drawn, open_rows, own, len(codes), rng)
    _exactly(drawn, open_rows, own, len(codes), rng)
    return codes[drawn].astype(np.int32)


def _refuse_too_few(touched: Sequences, own: LongArray, n_pool: int, n: int) -> None:
    if not len(touched):
        return
    known = np.bincount(own // max(n_pool, 1), minlength=len(touched))
    worst = int(np.argmax(known))
    left = n_pool - int(known[worst])
    if left < n:
        raise DataError(
            f"user {touched.users[worst]!r} touched {known[worst]} of the {n_pool} items that "
            f"negatives are drawn from: {left} are left and {n} are asked for; set "
            "split.negatives lower (for cold items: split.cold_fraction higher)"
        )


def _rejecting(
    drawn: LongArray, rows: LongArray, own: LongArray, n_pool: int, rng: np.random.Generator
) -> LongArray:
    """Fill rows by drawing too many and dropping what was touched; gives the rows that lack.

    A row that lacks is drawn anew as a whole: all sets of its untouched items stay equally likely.
    """
    n = drawn.shape[1]
    width = n + max(4, n // 2)
    lacking = []
    for start in range(0, len(rows), max(1, _CELLS // width)):
        part = rows[start : start + max(1, _CELLS // width)]
        places = rng.integers(0, n_pool, size=(len(part), width))
        good = ~_contains(own, part[:, None] * n_pool + places) & ~_repeated(places)
        # A stable sort brings the good ones to the front, in the order they were drawn.
        front = np.argsort(~good, axis=1, kind="stable")[:, :n]
        full = np.count_nonzero(good, axis=1) >= n
        drawn[part[full]] = np.take_along_axis(places, front, axis=1)[full]
        lacking.append(part[~full])
    return np.concatenate(lacking) if lacking else rows


def _exactly(
    drawn: LongArray, rows: LongArray, own: LongArray, n_pool: int, rng: np.random.Generator
) -> None:
    """Fill rows by shuffling all that their users left untouched."""
    n = drawn.shape[1]
    step = max(1, _CELLS // max(n_pool, 1))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        keys = rng.random((len(part), n_pool))
        pairs = part[:, None] * n_pool + np.arange(n_pool)
        keys[_contains(own, pairs)] = 2.0  # behind every untouched one
        chosen = np.argpartition(keys, n - 1, axis=1)[:, :n]
        drawn[part] = rng.permuted(chosen, axis=1)


def _contains(own: LongArray, pairs: LongArray) -> npt.NDArray[np.bool_]:
    if not len(own):
        return np.zeros(pairs.shape, dtype=np.bool_)
    found = np.minimum(np.searchsorted(own, pairs), len(own) - 1)
    return np.asarray(own[found] == pairs)


def _repeated(places: LongArray) -> npt.NDArray[np.bool_]:
    """Which of each row's numbers stood further left already (bool, as ``places``)."""
    order = np.argsort(places, axis=1, kind="stable")
    ranked = np.take_along_axis(places, order, axis=1)
    again = np.zeros(places.shape, dtype=np.bool_)
    np.put_along_axis(again, order[:, 1:], ranked[:, 1:] == ranked[:, :-1], axis=1)
    return again
