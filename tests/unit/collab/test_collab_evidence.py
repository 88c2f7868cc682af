"""Evidence against a slow, obvious recomputation over plain Python sets."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gistrec.collab.coconsumption as coconsumption_module
import gistrec.collab.evidence as evidence_module
from gistrec.collab.evidence import Evidence
from gistrec.collab.told import Told
from gistrec.config.evidence import EvidenceConfig
from gistrec.data.sequences import Sequences

N_ITEMS = 7
Log = list[list[int]]


def sequences(log: Log, names: str = "u") -> Sequences:
    items = [item for user in log for item in user]
    return Sequences(
        pl.Series([f"{names}{row}" for row in range(len(log))], dtype=pl.String),
        np.cumsum([0, *map(len, log)]).astype(np.int64),
        np.array(items, dtype=np.int32),
        np.arange(len(items), dtype=np.int64),
    )


class Encoder:
    """Scores items by a fixed table, after the history's last known item."""

    def __init__(self, n_items: int, known: Sequence[int], seed: int = 0) -> None:
        self.table = np.random.default_rng(seed).normal(size=(n_items, n_items)).astype(np.float32)
        self.known = np.isin(np.arange(n_items), known)

    def score(self, histories: Sequences, candidates: None) -> np.ndarray:
        kept = histories.keeping(self.known)
        assert (kept.lengths > 0).all(), "asked about somebody it knows nothing of"
        return np.stack([self.table[items[-1]] for items in kept])


def alike_matrix(alike: Log) -> sparse.csr_array:
    dense = np.zeros((len(alike), len(alike)), dtype=bool)
    for item, others in enumerate(alike):
        dense[item, [other for other in others if other != item]] = True
    return sparse.csr_array(dense)


def make(log: Log, alike: Log | None = None, **config: object) -> Evidence:
    alike = alike or [[] for _ in range(N_ITEMS)]
    known = sorted({item for user in log for item in user})
    return Evidence.of_log(
        sequences(log),
        len(alike),
        Encoder(len(alike), known),
        alike_matrix(alike),
        EvidenceConfig(**config),
    )


def cosine(log: list[set[int]], a: int, b: int) -> float:
    both = sum(a in user and b in user for user in log)
    return both and both / sqrt(sum(a in user for user in log) * sum(b in user for user in log))


def slow_place(scores: dict[int, float], candidate: int, history: list[int]) -> int:
    others = set(scores) - set(history)
    return 1 + sum(scores[item] > scores[candidate] + 1e-6 for item in others)


def slow(log: Log, alike: Log, history: list[int], candidate: int, owner: int) -> list[int]:
    """[users, place, users, place, place by count] of one pair, by the definitions alone."""
    others = [set(user) for row, user in enumerate(log) if row != owner]
    near = [{other for other in row if other != item} for item, row in enumerate(alike)]

    def speak(user: set[int], targets: set[int]) -> bool:
        return any(h != a for h in set(history) & user for a in targets & user)

    def strength(item: int) -> float:
        return sum(cosine(others, h, item) for h in set(history) - {item})

    items = range(len(alike))
    direct = {item: strength(item) for item in items}
    through = {item: sum(direct[a] for a in near[item]) for item in items}
    count = {item: float(sum(item in user for user in others)) for item in items}
    shared = sum(speak(user, {candidate}) for user in others)
    similar = sum(speak(user, near[candidate]) for user in others)
    return [
        shared,
        slow_place(direct, candidate, history) if shared else 0,
        similar,
        slow_place(through, candidate, history) if similar else 0,
        slow_place(count, candidate, history) if count[candidate] else 0,
    ]


def columns(told: Told) -> np.ndarray:
    """[p, 5], as ``slow`` gives them."""
    assert told.shared is not None
    assert told.similar is not None
    parts = (told.shared.users, told.shared.places, told.similar.users, told.similar.places)
    return np.stack([*parts, told.popularity], axis=1)


item = st.integers(0, N_ITEMS - 1)
logs = st.lists(st.lists(item, min_size=1, max_size=6), min_size=1, max_size=8)
likenesses = st.lists(st.lists(item, max_size=3), min_size=N_ITEMS, max_size=N_ITEMS)
asked = st.lists(
    st.tuples(st.lists(item, max_size=5), st.lists(item, max_size=4), st.integers(-1, 7)),
    min_size=1,
    max_size=4,
)


@given(log=logs, alike=likenesses, asked=asked)
@settings(max_examples=60)
def test_evidence_is_what_its_definitions_say(log: Log, alike: Log, asked: list) -> None:
    histories = sequences([history for history, _, _ in asked], "asking")
    owners = np.array([owner if owner < len(log) else -1 for *_, owner in asked])
    candidates = [codes for _, codes, _ in asked]
    told = make(log, alike).of(histories, candidates, owners)
    assert np.diff(told.offsets).tolist() == [len(codes) for codes in candidates]
    expected = [
        slow(log, alike, history, code, owner)
        for (history, codes, _), owner in zip(asked, owners, strict=True)
        for code in codes
    ]
    assert columns(told).tolist() == expected


def random_log(users: int, n_items: int, longest: int, seed: int) -> Log:
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(2, n_items + 2)
    popularity /= popularity.sum()
    return [
        rng.choice(n_items, rng.integers(1, longest), p=popularity).tolist() for _ in range(users)
    ]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_an_owner_counts_as_if_they_were_not_in_the_log(seed: int) -> None:
    """Equal to the last bit: a rounding that told the owner's mark would teach it."""
    log = random_log(30, 25, 12, seed)
    alike = np.random.default_rng(seed).integers(0, 25, (25, 3)).tolist()
    evidence = make(log, alike)
    for owner in range(4):
        history = sequences([log[owner][:-1]], "x")
        candidates = np.arange(25, dtype=np.int32)[None]
        told = evidence.of(history, candidates, np.array([owner]))
        without = make(log[:owner] + log[owner + 1 :], alike).of(history, candidates)
        np.testing.assert_array_equal(columns(told), columns(without))


def test_by_default_the_user_of_the_same_id_is_left_out() -> None:
    evidence = make([[0, 1], [0, 1], [0, 2]])
    told = evidence.of(sequences([[0]], "u"), [[1, 2]])  # u0
    stranger = evidence.of(sequences([[0]], "v"), [[1, 2]])
    assert told.shared is not None
    assert stranger.shared is not None
    assert told.shared.users.tolist() == [1, 1]
    assert stranger.shared.users.tolist() == [2, 1]


def test_a_cold_item_is_spoken_for_by_what_is_alike() -> None:
    """Item 6 is in no log; it is alike to 1, which a user chose who shares item 0."""
    alike: Log = [[] for _ in range(N_ITEMS)]
    alike[6] = [1]
    told = make([[0, 1], [2, 3]], alike).of(sequences([[0]], "v"), [[6, 3]])
    assert told.shared is not None
    assert told.similar is not None
    assert told.encoder is not None
    assert told.popularity is not None
    assert told.shared.users.tolist() == [0, 0]
    assert told.shared.places.tolist() == [0, 0]
    assert told.similar.users.tolist() == [1, 0]
    assert told.similar.places.tolist() == [1, 0]
    assert told.encoder[0] == 0 < told.encoder[1]
    assert told.popularity[0] == 0 < told.popularity[1]


def test_what_is_alike_to_the_history_is_not_its_own_reason() -> None:
    """A user who has item 0 alone has not chosen anything beside it."""
    alike: Log = [[] for _ in range(N_ITEMS)]
    alike[5] = [0]
    told = make([[0], [0, 1]], alike).of(sequences([[0]], "v"), [[5, 0]])
    assert told.similar is not None
    assert told.shared is not None
    assert told.similar.users.tolist() == [0, 0]
    assert told.shared.users.tolist() == [0, 0]


def test_the_encoder_places_among_what_it_knows_and_the_history_does_not_hold() -> None:
    evidence = make([[0, 1, 2, 4], [1, 3]])
    history = [0, 4]
    told = evidence.of(sequences([history, [6], []], "v"), [[1, 2, 3, 5, 4], [1], [2]])
    scores = evidence.encoder.table[4]
    among = [1, 2, 3]  # 5 and 6 it does not know
    expected = [1 + sum(scores[other] > scores[code] for other in among) for code in among]
    itself = 1 + sum(scores[other] > scores[4] for other in among)
    assert told.encoder is not None
    assert told.encoder.tolist() == [*expected, 0, itself, 0, 0]


def test_only_the_latest_items_are_looked_at() -> None:
    told = make([[0, 1], [2, 1]], latest=1).of(sequences([[0, 2], [0, 3]], "v"), [[1], [1]])
    assert told.shared is not None
    assert told.shared.users.tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["shared", "similar", "encoder", "popularity"])
def test_a_kind_that_is_off_is_not_told_and_changes_no_other(kind: str) -> None:
    log = random_log(12, N_ITEMS, 6, 3)
    alike = [[(code + 1) % N_ITEMS] for code in range(N_ITEMS)]
    histories, candidates = sequences([[0, 1], [2]], "v"), [[3, 4], [5]]
    whole = make(log, alike).of(histories, candidates)
    one = make(log, alike, kinds=(kind,)).of(histories, candidates)
    for name in ("shared", "similar", "encoder", "popularity"):
        found, expected = getattr(one, name), getattr(whole, name)
        if name != kind:
            assert found is None
        elif name in ("shared", "similar"):
            np.testing.assert_array_equal(found.users, expected.users)
            np.testing.assert_array_equal(found.places, expected.places)
        else:
            np.testing.assert_array_equal(found, expected)


def test_steps_of_any_size_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    log = random_log(40, 30, 10, 5)
    alike = np.random.default_rng(5).integers(0, 30, (30, 4)).tolist()
    histories = sequences(random_log(17, 30, 8, 6), "v")
    candidates = random_log(17, 30, 9, 7)
    evidence = make(log, alike)
    whole = evidence.of(histories, candidates)
    monkeypatch.setattr(evidence_module, "_HISTORIES", 3)
    monkeypatch.setattr(coconsumption_module, "_ENTRIES", 5)
    parts = evidence.of(histories, candidates)
    np.testing.assert_array_equal(columns(parts), columns(whole))
    np.testing.assert_array_equal(parts.encoder, whole.encoder)
    np.testing.assert_array_equal(parts.offsets, whole.offsets)


def test_a_log_of_one_user_and_nobody_who_asks() -> None:
    evidence = make([[0, 1]])
    own = evidence.of(sequences([[0]], "u"), [[1]])
    assert columns(own).tolist() == [[0, 0, 0, 0, 0]]
    nobody = evidence.of(sequences([], "v"), [])
    assert len(nobody) == 0
    assert columns(nobody).shape == (0, 5)


def test_a_grid_of_candidates_is_as_good_as_lists() -> None:
    evidence = make(random_log(9, N_ITEMS, 6, 1))
    histories = sequences([[0], [1, 2]], "v")
    grid = np.array([[3, 4], [5, 6]], dtype=np.int32)
    np.testing.assert_array_equal(
        columns(evidence.of(histories, grid)), columns(evidence.of(histories, grid.tolist()))
    )
