"""Evidence: what the training log says about a user and a candidate.

None of it is in MMSRARec (arXiv 2512.20916), whose prompt tells what similar users chose whatever
the candidate is. A language model follows its evidence and ends where that evidence ends; so here
each candidate is told how the log, and the strongest model of it, stand to it.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gistrec.collab.coconsumption import CoConsumption, signatures, supporters
from gistrec.collab.places import places
from gistrec.collab.told import Candidates, Support, Told, flat, joined, offsets_of
from gistrec.config.evidence import EvidenceConfig
from gistrec.data.incidence import incidence
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, LongArray, Sequences

_CELLS = 4_000_000  # of a matrix of histories x items or users that is in memory at once
_HISTORIES = 512  # looked at in one step at most


class CatalogueRanker(Protocol):
    """A sequence model, as evidence sees it.

    Attributes:
        known: bool [n_items], items that it has learned anything about.
    """

    known: npt.NDArray[np.bool_]

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """Float32 [b, n_items] where ``candidates`` is None."""
        ...


@dataclass(frozen=True)
class Evidence:
    """All that evidence is made from.

    Attributes:
        log: the training log.
        encoder: the sequence encoder.
        alike: bool [n_items, n_items], which items (columns) are alike in content to an item.
        config: which kinds are told.
    """

    log: CoConsumption
    encoder: CatalogueRanker
    alike: sparse.csr_array
    config: EvidenceConfig

    @classmethod
    def of_log(
        cls,
        train: Sequences,
        n_items: int,
        encoder: CatalogueRanker,
        alike: sparse.csr_array,
        config: EvidenceConfig,
    ) -> Self:
        """Evidence by a training log, one row a user."""
        return cls(CoConsumption.of_log(train, n_items), encoder, alike, config)

    def of(
        self, histories: Sequences, candidates: Candidates, owners: LongArray | None = None
    ) -> Told:
        """What the log says about users and their candidates.

        Places are among the items that the history does not hold; equal ones share the better
        place.

        Args:
            histories: of b users, what is known of them.
            candidates: b lists of item codes of any length, or int [b, c].
            owners: int64 [b], rows of the training log that are these users themselves: all is
                told as if they were not in it; -1 for none. By default the rows of the same id.

        Returns:
            In the order of the candidates.
        """
        codes, lengths = flat(candidates)
        offsets = offsets_of(lengths)
        selves = self.log.owners(histories) if owners is None else owners
        size = max(self.log.by_user.shape)
        step = max(1, min(_HISTORIES, _CELLS // size))
        parts = []
        # One step even for nobody: an answer has its columns however long they are. Whoever asks
        # shows how far it is: a bar within another one is an error in some versions of rich.
        for start in range(0, max(1, len(histories)), step):
            rows = np.arange(start, min(start + step, len(histories)))
            part = codes[offsets[start] : offsets[min(start + step, len(histories))]]
            parts.append(self._of(histories.take(rows), part, lengths[rows], selves[rows]))
        return joined(parts)

    def _of(
        self, histories: Sequences, codes: LongArray, lengths: LongArray, owners: LongArray
    ) -> Told:
        rows = np.repeat(np.arange(len(lengths)), lengths)
        barred = incidence(histories, self.log.n_items).toarray() > 0
        counts = self.log.counts(owners)
        kinds = self.config.kinds
        shared, similar = self._support(histories, owners, counts, barred, rows, codes)
        popularity = np.where(
            counts[rows, codes] > 0, places(counts.astype(np.float32), barred, rows, codes), 0
        )
        return Told(
            self.log.n_items,
            offsets_of(lengths),
            shared,
            similar,
            self._by_encoder(histories, barred, rows, codes) if "encoder" in kinds else None,
            popularity if "popularity" in kinds else None,
        )

    def _support(
        self,
        histories: Sequences,
        owners: LongArray,
        counts: LongArray,
        barred: npt.NDArray[np.bool_],
        rows: LongArray,
        codes: LongArray,
    ) -> tuple[Support | None, Support | None]:
        """Of the kinds `shared` and `similar`."""
        kinds = self.config.kinds
        if "shared" not in kinds and "similar" not in kinds:
            return None, None
        recent = incidence(histories.last(self.config.latest), self.log.n_items)
        sharing = self.log.sharing(recent, owners)
        strengths = self.log.strengths(recent, owners, counts)
        asked, which = np.unique(codes, return_inverse=True)

        def support(links: sparse.csr_array, scores: npt.NDArray[np.float64]) -> Support:
            reached = signatures(links) @ self.log.by_item
            users = supporters(sharing, reached, rows, which)
            place = places(scores.astype(np.float32), barred, rows, codes)
            return Support(users, np.where(users > 0, place, 0))

        shared = similar = None
        if "shared" in kinds:
            ones = np.ones(len(asked), dtype=np.int8)
            itself = (ones, (np.arange(len(asked)), asked))
            shared = support(
                sparse.csr_array(itself, shape=(len(asked), self.log.n_items)), strengths
            )
        if "similar" in kinds:
            through = (self.alike.astype(np.float64) @ np.ascontiguousarray(strengths.T)).T
            similar = support(self.alike[asked], through)
        return shared, similar

    def _by_encoder(
        self,
        histories: Sequences,
        barred: npt.NDArray[np.bool_],
        rows: LongArray,
        codes: LongArray,
    ) -> LongArray:
        known = self.encoder.known
        read = np.flatnonzero((barred & known).any(axis=1))
        scores = np.zeros(barred.shape, dtype=np.float32)
        if len(read):
            scores[read] = self.encoder.score(histories.take(read), None)
        place = places(scores, barred | ~known, rows, codes)
        heard = np.zeros(len(histories), dtype=np.bool_)
        heard[read] = True
        told: LongArray = np.where(heard[rows] & known[codes], place, 0)
        return told
