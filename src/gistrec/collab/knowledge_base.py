"""States of training users at their known moments, with what followed (MMSRARec 3.4).

Departures from the paper:
1. Every known moment of a training user is kept, not its last one alone, so that a long history
   can resemble a short one.
2. The newest ``max_moments`` of a user bound the size.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gistrec.collab.index import IndexKind, index_kind, make_index
from gistrec.config.collab import CollabConfig
from gistrec.data.sequences import LongArray, Sequences
from gistrec.errors import RunError
from gistrec.progress import track

States = npt.NDArray[np.float32]
_CHUNK = 4096  # histories encoded in one call


class Encoder(Protocol):
    """Anything that turns histories into states."""

    def encode(self, histories: Sequences) -> States:
        """float32 [u, d], one state a history."""
        ...


@dataclass(frozen=True)
class KnowledgeBase:
    """n known moments of training users.

    Attributes:
        train: the sequences that the moments are of.
        rows: int64 [n], whose moment it is: a row of ``train``.
        moments: int64 [n], how many of that user's items were known.
        states: float32 [n, d], of length one.
        kind: how they are searched.
    """

    train: Sequences
    rows: LongArray
    moments: LongArray
    states: States
    kind: IndexKind = "flat"

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def index(self) -> Any:
        """A FAISS index of the states by inner product, built when it is first asked for."""
        return make_index(self.states, self.kind)

    @cached_property
    def user_numbers(self) -> dict[str, int]:
        """Each user id's number; rows of ``train`` that share an id share the number."""
        numbers: dict[str, int] = {}
        for user in self.train.users:
            numbers.setdefault(user, len(numbers))
        return numbers

    @cached_property
    def owners(self) -> LongArray:
        """int64 [n], the number of the user that each moment is of."""
        numbers = self.user_numbers
        by_row = np.array([numbers[user] for user in self.train.users], dtype=np.int64)
        return by_row[self.rows]


def build_knowledge_base(
    encoder: Encoder,
    train: Sequences,
    max_moments: int | None = None,
    config: CollabConfig | None = None,
) -> KnowledgeBase:
    """Encode every moment of ``train`` after which something is known to have followed.

    Args:
        encoder: gives the states.
        train: a split's training log: whatever is held out is not in it and so cannot be found.
        max_moments: the latest moments of a user that are kept; None for all.
        config: says how the states are searched; without, as its defaults say.

    Raises:
        RunError: no user of ``train`` has two interactions, or a state is not finite.
    """
    rows, moments = known_moments(train.lengths, max_moments)
    if not len(rows):
        raise RunError("no training user has two interactions: there is nothing to learn from")
    states = encode(encoder, train, rows, moments)
    kind = index_kind(config or CollabConfig(), len(states))
    return KnowledgeBase(train, rows, moments, states, kind)


def known_moments(
    lengths: LongArray, max_moments: int | None = None
) -> tuple[LongArray, LongArray]:
    """Rows and moments 1 ... length - 1 of each user (int64 [n] each), the newest if bounded."""
    counts = np.maximum(lengths - 1, 0)
    kept = counts if max_moments is None else np.minimum(counts, max_moments)
    rows = np.repeat(np.arange(len(lengths), dtype=np.int64), kept)
    first = np.cumsum(kept) - kept
    within = np.arange(len(rows), dtype=np.int64) - first[rows]
    return rows, (counts - kept)[rows] + within + 1


def encode(encoder: Encoder, log: Sequences, rows: LongArray, moments: LongArray) -> States:
    """States of length one, float32 [m, d], of users ``rows`` after their first ``moments`` items.

    Raises:
        RunError: the encoder gave a state that is not finite, naming the user.
    """
    starts = range(0, len(rows), _CHUNK)
    parts = [
        _encode(encoder, log.prefixes(rows[at : at + _CHUNK], moments[at : at + _CHUNK]))
        for at in track(starts, "encoding known moments")
    ]
    return np.concatenate(parts)


def encode_histories(encoder: Encoder, histories: Sequences) -> States:
    """States of length one, float32 [u, d], of whole histories.

    Raises:
        RunError: as ``encode``.
    """
    return encode(encoder, histories, np.arange(len(histories)), histories.lengths)


def _encode(encoder: Encoder, histories: Sequences) -> States:
    states = np.ascontiguousarray(encoder.encode(histories), dtype=np.float32)
    broken = ~np.isfinite(states).all(axis=1)
    if broken.any():
        user = histories.users[int(np.flatnonzero(broken)[0])]
        raise RunError(f"the sequence encoder gave user {user!r} a state that is not finite")
    norms = np.linalg.norm(states, axis=1, keepdims=True)
    unit: States = states / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
