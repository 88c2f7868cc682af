"""What the log says about users and their candidates, in numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.data.sequences import IntArray, LongArray

Candidates = Sequence[Sequence[int] | LongArray] | IntArray


@dataclass(frozen=True)
class Support:
    """What other users say about p pairs.

    Attributes:
        users: int64 [p], how many of them speak for the candidate.
        places: int64 [p], the candidate's place in the catalogue by the strength of what they
            say, 1 the best; 0 where nobody speaks for it.
    """

    users: LongArray
    places: LongArray


@dataclass(frozen=True)
class Told:
    """Evidence on p pairs of a user and a candidate, by user; None for a kind that is off.

    Attributes:
        n_items: size of the catalogue that places are in.
        offsets: int64 [b + 1]; user ``i`` owns the pairs ``offsets[i]`` up to ``offsets[i + 1]``.
        shared: users who share a history item and chose the candidate.
        similar: users who share one and chose something alike.
        encoder: int64 [p], place by the sequence encoder; 0 where it does not know the candidate,
            or nothing of the history.
        popularity: int64 [p], place by training count; 0 where there is none.
    """

    n_items: int
    offsets: LongArray
    shared: Support | None
    similar: Support | None
    encoder: LongArray | None
    popularity: LongArray | None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, users: npt.ArrayLike) -> "Told":
        """What was told about ``users`` (int [m], numbers from 0), in that order."""
        chosen = np.asarray(users, dtype=np.int64)
        lengths = np.diff(self.offsets)[chosen]
        offsets = offsets_of(lengths)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        pairs = np.repeat(self.offsets[:-1][chosen], lengths) + within
        return _merged(self.n_items, offsets, [self], lambda arrays: arrays[0][pairs])


def joined(parts: Sequence[Told]) -> Told:
    """What was told about some users, then about others; one part at the least."""
    offsets = offsets_of(np.concatenate([np.diff(part.offsets) for part in parts]))
    return _merged(parts[0].n_items, offsets, parts, np.concatenate)


def offsets_of(lengths: npt.ArrayLike) -> LongArray:
    """Int64 [b + 1], where lists of these lengths begin and end."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def flat(candidates: Candidates) -> tuple[LongArray, LongArray]:
    """Int64 [p] codes of all candidates, and int64 [b] how many each user has."""
    if isinstance(candidates, np.ndarray):
        lengths = np.full(len(candidates), candidates.shape[1], dtype=np.int64)
        return candidates.reshape(-1).astype(np.int64), lengths
    lengths = np.array([len(codes) for codes in candidates], dtype=np.int64)
    parts = [np.asarray(codes, dtype=np.int64) for codes in candidates]
    return np.concatenate([np.empty(0, np.int64), *parts]), lengths


def _merged(
    n_items: int,
    offsets: LongArray,
    parts: Sequence[Told],
    merge: Callable[[list[LongArray]], LongArray],
) -> Told:
    def support(of: list[Support | None]) -> Support | None:
        on = [one for one in of if one is not None]
        if not on:
            return None
        return Support(merge([one.users for one in on]), merge([one.places for one in on]))

    def column(of: list[LongArray | None]) -> LongArray | None:
        on = [one for one in of if one is not None]
        return merge(on) if on else None

    return Told(
        n_items,
        offsets,
        support([part.shared for part in parts]),
        support([part.similar for part in parts]),
        column([part.encoder for part in parts]),
        column([part.popularity for part in parts]),
    )
