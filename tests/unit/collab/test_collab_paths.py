import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gistrec.collab.evidence import Evidence
from gistrec.collab.paths import evidence_paths
from gistrec.config.evidence import EvidenceConfig
from gistrec.data.path import EvidencePath
from gistrec.data.sequences import Sequences

N_ITEMS = 7
Log = list[list[int]]


class NobodyAsks:
    """The encoder, which paths have nothing to do with."""

    known = np.ones(N_ITEMS, dtype=np.bool_)

    def score(self, histories: Sequences, candidates: None) -> np.ndarray:
        raise AssertionError("a path asked the encoder")


def sequences(log: Log, names: str = "u") -> Sequences:
    items = np.array([item for user in log for item in user], dtype=np.int32)
    ids = pl.Series([f"{names}{row}" for row in range(len(log))], dtype=pl.String)
    return Sequences(ids, np.cumsum([0, *map(len, log)]), items, np.arange(len(items)))


def make(log: Log, alike: dict[int, list[int]] | None = None, **config: object) -> Evidence:
    dense = np.zeros((N_ITEMS, N_ITEMS), dtype=bool)
    for item, others in (alike or {}).items():
        dense[item, others] = True
    return Evidence.of_log(
        sequences(log), N_ITEMS, NobodyAsks(), sparse.csr_array(dense), EvidenceConfig(**config)
    )


def found(evidence: Evidence, history: list[int], candidate: int, owner: int = -1) -> list:
    paths = evidence_paths(evidence, sequences([history], "asking"), candidate, owner)
    return [(path.history_item, path.user, path.chose) for path in paths]


def test_the_closest_item_leads_then_the_latest() -> None:
    log = [[1, 5], [1], [2, 5], [3, 5], [0, 5]]
    # By cosine 1 is further from 5 than the others, which are as close as one another.
    assert found(make(log, paths=9), [0, 1, 2, 3], 5) == [
        (3, "u3", 5),
        (2, "u2", 5),
        (0, "u4", 5),
        (1, "u0", 5),
    ]
    assert found(make(log, paths=2), [0, 1, 2, 3], 5) == [(3, "u3", 5), (2, "u2", 5)]


def test_however_much_is_shared_is_counted() -> None:
    """Two hundred shared items are more than one, and than a number of 8 bits."""
    held = list(range(200))
    log = sequences([[0, 200], [*held, 200]])
    nothing = sparse.csr_array((201, 201), dtype=bool)
    evidence = Evidence.of_log(log, 201, NobodyAsks(), nothing, EvidenceConfig(latest=200, paths=1))
    (path,) = evidence_paths(evidence, sequences([held[::-1]], "asking"), 200)
    assert (path.history_item, path.user) == (0, "u1")


def test_users_who_share_more_stand_first_and_everybody_stands_once_before_anybody_twice() -> None:
    log = [[0, 5], [0, 1, 5], [2]]
    assert found(make(log, paths=3), [0, 1], 5) == [(0, "u1", 5), (0, "u0", 5), (1, "u1", 5)]


def test_who_chose_it_later_stands_first_and_the_others_are_told_apart() -> None:
    evidence = make([[5, 0], [0, 5], [5, 1, 0]], paths=9)
    assert evidence_paths(evidence, sequences([[0, 1]], "asking"), 5) == [
        EvidencePath(0, "u1", 5, later=True),
        EvidencePath(0, "u2", 5, later=False),
        EvidencePath(0, "u0", 5, later=False),
        EvidencePath(1, "u2", 5, later=False),
    ]


def test_what_was_chosen_at_the_same_time_was_not_chosen_later() -> None:
    log = sequences([[0, 5]])
    at_once = Sequences(log.users, log.offsets, log.items, np.zeros(2, dtype=np.int64))
    nothing = sparse.csr_array((N_ITEMS, N_ITEMS), dtype=bool)
    evidence = Evidence.of_log(at_once, N_ITEMS, NobodyAsks(), nothing, EvidenceConfig())
    (path,) = evidence_paths(evidence, sequences([[0]], "asking"), 5)
    assert not path.later


def test_the_candidate_itself_before_what_is_alike() -> None:
    evidence = make([[0, 4], [0, 5], [0, 4]], {5: [4]})
    assert found(evidence, [0], 5) == [(0, "u1", 5), (0, "u0", 4), (0, "u2", 4)]
    assert found(make([[0, 4], [0, 5]], {5: [4]}, kinds=("similar",)), [0], 5) == [(0, "u0", 4)]
    assert found(make([[0, 4], [0, 5]], {5: [4]}, kinds=("shared",)), [0], 5) == [(0, "u1", 5)]
    assert found(make([[0, 4], [0, 5]], {5: [4]}, kinds=("encoder",)), [0], 5) == []


def test_a_cold_item_has_paths_through_what_is_alike() -> None:
    assert found(make([[0, 4]], {6: [4]}), [0], 6) == [(0, "u0", 4)]


def test_no_path_leads_through_the_user_itself() -> None:
    evidence = make([[0, 5], [0, 5]])
    assert found(evidence, [0], 5, owner=0) == [(0, "u1", 5)]
    by_id = evidence_paths(evidence, sequences([[0]], "u"), 5)
    assert by_id == [EvidencePath(0, "u1", 5, later=True)]


def test_an_empty_history_has_no_paths() -> None:
    assert found(make([[0, 5]], {5: [0]}), [], 5) == []


item = st.integers(0, N_ITEMS - 1)


@given(
    log=st.lists(st.lists(item, min_size=1, max_size=6), min_size=1, max_size=6),
    history=st.lists(item, max_size=5),
    candidate=item,
    alike=st.lists(item, max_size=3),
    owner=st.integers(-1, 5),
)
def test_there_is_a_path_for_whoever_is_counted(
    log: Log, history: list, candidate: int, alike: list, owner: int
) -> None:
    own = owner if owner < len(log) else -1
    near = {code for code in alike if code != candidate}
    evidence = make(log, {candidate: sorted(near)}, paths=500, kinds=("shared", "similar"))
    expected = {
        (h, f"u{row}", a)
        for row, user in enumerate(log)
        if row != own
        for h in set(history) & set(user)
        for a in ({candidate} | near) & set(user)
        if h != a
    }
    paths = found(evidence, history, candidate, own)
    assert len(paths) == len(set(paths))
    assert set(paths) == expected
    users = [user for _, user, _ in paths]
    assert len(set(users[: len(set(users))])) == len(set(users))
    told = evidence.of(sequences([history], "asking"), [[candidate]], np.array([own]))
    assert told.shared is not None
    assert told.shared.users.item() == len({user for _, user, a in paths if a == candidate})
    assert told.similar is not None
    assert told.similar.users.item() == len({user for _, user, a in paths if a != candidate})
