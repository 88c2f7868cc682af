"""Lists of candidates with what the model, the encoder and the log say of each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker
from gistrec.data.sequences import IntArray, LongArray
from gistrec.progress import track

Floats = npt.NDArray[np.float64]
_SAMPLED_USERS = 256  # scored in one call
_FULL_SCORES = 4_000_000  # of one call over the whole catalogue: 16 MB of float32


@dataclass(frozen=True)
class Signals:
    """What is known of n candidates, each for a user of its own list.

    Attributes:
        logit: float64 [n], the language model's log p(yes) - log p(no).
        encoder: float64 [n], the sequence encoder's score; of no meaning where the count is 0.
        counts: int64 [n], how often the training log holds the candidate.
    """

    logit: Floats
    encoder: Floats
    counts: LongArray

    def __len__(self) -> int:
        return len(self.logit)

    def at(self, chosen: npt.ArrayLike) -> "Signals":
        """Those at ``chosen`` (int [m], or bool [n])."""
        places = np.asarray(chosen)
        return Signals(self.logit[places], self.encoder[places], self.counts[places])


@dataclass(frozen=True)
class ScoredLists:
    """u lists of candidates, ragged; the first of each is what really came next.

    Attributes:
        users: string series of length u.
        offsets: int64 [u + 1]; list ``i`` owns ``signals`` from offsets[i] up to offsets[i + 1].
        signals: of all candidates of all lists.
    """

    users: pl.Series
    offsets: LongArray
    signals: Signals

    def __len__(self) -> int:
        return len(self.users)

    def take(self, indices: npt.ArrayLike) -> "ScoredLists":
        """The lists at ``indices`` (int [m])."""
        chosen = np.asarray(indices, dtype=np.int64)
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        places = np.repeat(self.offsets[:-1][chosen], lengths) + within
        return ScoredLists(self.users.gather(chosen), offsets, self.signals.at(places))


def signals_of(
    logit: npt.NDArray[np.float32],
    encoder: npt.NDArray[np.float32],
    items: npt.NDArray[np.integer],
    train_counts: npt.NDArray[np.integer],
) -> Signals:
    """Signals of ``items`` (int [n]) with these scores (float32 [n] each)."""
    return Signals(
        logit.astype(np.float64), encoder.astype(np.float64), train_counts[items].astype(np.int64)
    )


def sampled_lists(
    model: Ranker, encoder: Ranker, queries: Queries, train_counts: npt.NDArray[np.integer]
) -> ScoredLists:
    """The sampled candidates of every question, scored by both."""
    parts = []
    for part in _chunks(queries, _SAMPLED_USERS, "scoring sampled candidates to fuse"):
        scores = [one.score(part.histories, part.candidates).ravel() for one in (model, encoder)]
        parts.append(signals_of(scores[0], scores[1], part.candidates.ravel(), train_counts))
    width = queries.candidates.shape[1]
    offsets = np.arange(len(queries) + 1, dtype=np.int64) * width
    return ScoredLists(queries.histories.users, offsets, _joined(parts))


def retrieved_lists(
    model: Ranker, encoder: Ranker, queries: Queries, train_counts: npt.NDArray[np.integer]
) -> ScoredLists:
    """What ``model`` retrieves of the whole catalogue, of the questions whose positive is in it.

    As in the evaluation, only the pool competes, less what the user's history holds.
    """
    parts: list[Signals] = []
    kept: list[int] = []
    lengths: list[int] = []
    seen = 0
    size = max(1, _FULL_SCORES // len(queries.pool))
    for part in _chunks(queries, size, "scoring retrieved candidates to fuse"):
        scores = model.score(part.histories, None)
        others = encoder.score(part.histories, None)
        for place, items in enumerate(_competing(scores, part)):
            if len(items):
                row = signals_of(scores[place, items], others[place, items], items, train_counts)
                parts.append(row)
                kept.append(seen + place)
                lengths.append(len(items))
        seen += len(part)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return ScoredLists(queries.histories.users.gather(kept), offsets, _joined(parts))


def _chunks(queries: Queries, size: int, what: str) -> Iterator[Queries]:
    starts = range(0, len(queries), size)
    return (
        queries.take(np.arange(start, min(start + size, len(queries))))
        for start in track(starts, what)
    )


def _competing(scores: npt.NDArray[np.float32], part: Queries) -> Iterator[IntArray]:
    """Each user's scored items, the positive first; none where the positive has no score."""
    for place, positive in enumerate(part.positives.tolist()):
        allowed = part.pool & np.isfinite(scores[place])
        allowed[part.histories[place]] = False
        allowed[positive] = False
        if np.isfinite(scores[place, positive]):
            yield np.append(positive, np.flatnonzero(allowed)).astype(np.int32)
        else:
            yield np.empty(0, dtype=np.int32)


def _joined(parts: list[Signals]) -> Signals:
    nothing = Signals(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))
    every = [nothing, *parts]
    return Signals(
        np.concatenate([part.logit for part in every]),
        np.concatenate([part.encoder for part in every]),
        np.concatenate([part.counts for part in every]),
    )
