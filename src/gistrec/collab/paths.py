"""Ways through the training log from a history to a candidate: who makes its evidence."""

from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gistrec.collab.coconsumption import CoConsumption
from gistrec.collab.evidence import Evidence
from gistrec.data.incidence import incidence
from gistrec.data.path import EvidencePath
from gistrec.data.sequences import LongArray, Sequences


def evidence_paths(
    evidence: Evidence, history: Sequences, candidate: int, owner: int | None = None
) -> list[EvidencePath]:
    """The paths that say most, ``config.paths`` at most.

    Args:
        evidence: the log and what is alike in it.
        history: of the one user who is asked about.
        candidate: item code.
        owner: the user's own row of the training log, which no path leads through; -1 for none,
            by default the row of the same id.

    Returns:
        Paths to the candidate itself before those to something alike; of either, users who chose
        after they had the history item before those who did not; the history item closest
        to what was chosen by cosine, then the latest one first; of its users those who share most
        of the history. A user comes twice only after all others. The kinds that are on decide
        whether there are paths of either sort.
    """
    log, config = evidence.log, evidence.config
    own = int(log.owners(history)[0]) if owner is None else owner
    recent = history.last(config.latest)
    # In 64 bits: a long history may share more items than 8 bits can count.
    shares = (incidence(recent, log.n_items).astype(np.int64) @ log.by_item).toarray()[0]
    held = np.array(list(dict.fromkeys(recent[0][::-1].tolist())), dtype=np.int64)  # latest first
    firsts: list[EvidencePath] = []
    again: list[EvidencePath] = []
    seen: set[int] = set()
    for codes, later in product(_targets(evidence, candidate), (True, False)):
        for item, chosen in _in_order(log, held, codes, own):
            both = np.intersect1d(_users(log, item), _users(log, chosen), assume_unique=True)
            both = both[both != own]
            both = both[_later(log.train.take(both), item, chosen) == later]
            for row in both[np.lexsort((both, -shares[both]))].tolist():
                path = EvidencePath(item, log.train.users[row], chosen, later)
                (again if row in seen else firsts).append(path)
                seen.add(row)
                if len(firsts) == config.paths:
                    return firsts
    return [*firsts, *again][: config.paths]


def _targets(evidence: Evidence, candidate: int) -> list[LongArray]:
    """The candidate, then what is alike: int64 [1] and int64 [a]."""
    kinds = evidence.config.kinds
    targets = [np.array([candidate])] if "shared" in kinds else []
    if "similar" in kinds:
        targets.append(np.sort(evidence.alike[[candidate]].indices).astype(np.int64))
    return targets


def _in_order(
    log: CoConsumption, held: LongArray, codes: LongArray, own: int
) -> list[tuple[int, int]]:
    """(history item, one of codes) pairs that some other user has both of, the best first."""
    together = _together(log, codes, held, own)
    counts = log.counts(np.array([own]))[0].astype(np.float64)
    cosine = together / np.sqrt(np.maximum(np.outer(counts[codes], counts[held]), 1))
    chosen, item = np.nonzero((together > 0) & (codes[:, None] != held))
    order = np.lexsort((codes[chosen], item, -cosine[chosen, item]))
    return list(zip(held[item[order]].tolist(), codes[chosen[order]].tolist(), strict=True))


def _later(users: Sequences, item: int, chosen: int) -> npt.NDArray[np.bool_]:
    """Bool [u], whether each of ``users`` chose ``chosen`` after their first ``item``."""
    rows, times = users.rows(), users.timestamps
    first = np.full(len(users), np.iinfo(np.int64).max)
    last = np.full(len(users), np.iinfo(np.int64).min)
    had, chose = users.items == item, users.items == chosen
    np.minimum.at(first, rows[had], times[had])
    np.maximum.at(last, rows[chose], times[chose])
    later: npt.NDArray[np.bool_] = first < last
    return later


def _together(log: CoConsumption, codes: LongArray, held: LongArray, own: int) -> LongArray:
    """Int64 [a, h], training users less the owner who have both items."""
    left: sparse.csr_array = log.by_item[codes].astype(np.int64)
    right = log.by_item[held].astype(np.int64)
    mine = log.by_user[[own]].toarray()[0].astype(np.int64)
    together: LongArray = (left @ right.T).toarray() - np.outer(mine[codes], mine[held])
    return together


def _users(log: CoConsumption, item: int) -> LongArray:
    """Int64, rows of the users who have the item, ascending."""
    start, end = log.by_item.indptr[item : item + 2]
    return log.by_item.indices[start:end].astype(np.int64)
