"""The language model and the sequence encoder as one ranker."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gistrec.data.ranker import UNRANKED, Ranker, Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.recommender.fuse import Fusion
from gistrec.recommender.scored_lists import signals_of


class ListScorer(Ranker, Protocol):
    """A ranker that also scores a list of candidates a user, each of any length."""

    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's own list of candidates, float32 [len(list)] each."""
        ...


class FusedRanker:
    """Scores candidates by a fusion; reported beside the pure model."""

    def __init__(
        self,
        name: str,
        model: ListScorer,
        encoder: Ranker,
        fusion: Fusion,
        train_counts: npt.NDArray[np.integer],
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            model: the language model; over the whole catalogue it scores what was retrieved.
            encoder: the sequence encoder.
            fusion: how they are weighed.
            train_counts: int [n_items], how often each item occurs in the training log.
        """
        self._name = name
        self._model = model
        self._encoder = encoder
        self._fusion = fusion
        self._train_counts = train_counts

    @property
    def name(self) -> str:
        """How leaderboards call it."""
        return self._name

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """As ``Ranker.score``; over the whole catalogue, what was not retrieved is UNRANKED."""
        logits = self._model.score(histories, candidates)
        others = self._encoder.score(histories, candidates)
        if candidates is not None:
            signals = signals_of(
                logits.ravel(), others.ravel(), candidates.ravel(), self._train_counts
            )
            fused = self._fusion.of_sampled(signals).astype(np.float32)
            return fused.reshape(candidates.shape)
        rows, items = np.nonzero(np.isfinite(logits))
        signals = signals_of(logits[rows, items], others[rows, items], items, self._train_counts)
        scores = np.full(logits.shape, UNRANKED, dtype=np.float32)
        scores[rows, items] = self._fusion.of_catalogue(signals)
        return scores

    def score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's own list, float32 [len(list)], as of the whole catalogue's."""
        longest = max(map(len, asked), default=0)
        if not longest:
            return [np.empty(0, np.float32) for _ in asked]
        padded = np.zeros((len(asked), longest), dtype=np.int32)
        for place, items in enumerate(asked):
            padded[place, : len(items)] = items
        others = self._encoder.score(histories, padded)
        scores = []
        for place, logits in enumerate(self._model.score_lists(histories, asked)):
            n = len(logits)
            signals = signals_of(logits, others[place, :n], padded[place, :n], self._train_counts)
            scores.append(self._fusion.of_catalogue(signals).astype(np.float32))
        return scores
