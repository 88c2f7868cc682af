import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gistrec.collab.index import IndexKind, index_kind
from gistrec.collab.knowledge_base import KnowledgeBase, build_knowledge_base
from gistrec.collab.neighbours import find_neighbours, search, search_exactly
from gistrec.collab.recall import measured_recall, search_facts
from gistrec.config.collab import CollabConfig
from gistrec.data.sequences import Sequences

MOMENTS, WIDTH, N_ITEMS = 4, 8, 30
IDS = pl.Series([f"i{code}" for code in range(N_ITEMS)])


def base_of(users: int, kind: IndexKind, seed: int = 0) -> KnowledgeBase:
    """Users whose moments are near one another."""
    rng = np.random.default_rng(seed)
    near = rng.normal(size=(users, 1, WIDTH)) + 0.2 * rng.normal(size=(users, MOMENTS, WIDTH))
    states = near.reshape(-1, WIDTH).astype(np.float32)
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    offsets = np.arange(users + 1, dtype=np.int64) * (MOMENTS + 1)
    items = rng.integers(0, N_ITEMS, offsets[-1]).astype(np.int32)
    train = Sequences(
        pl.Series([f"u{row}" for row in range(users)]), offsets, items, np.arange(offsets[-1])
    )
    rows = np.repeat(np.arange(users), MOMENTS)
    return KnowledgeBase(train, rows, np.tile(np.arange(1, MOMENTS + 1), users), states, kind)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_an_approximate_search_finds_distinct_others_and_enough_of_them(
    kind: IndexKind, k: int
) -> None:
    base = base_of(400, kind)
    asking = np.arange(0, len(base), 50)
    users = base.train.users.gather(base.rows[asking])
    table = find_neighbours(base, base.states[asking], users, base.moments[asking], IDS, k)
    assert len(table) == k * len(asking)
    assert not (table["user_id"] == table["neighbour"]).any()
    for _, mine in table.group_by("user_id", "moment"):
        assert mine["neighbour"].n_unique() == k
        assert mine["similarity"].is_sorted(descending=True)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_an_index_that_finds_too_few_is_searched_exactly(kind: IndexKind) -> None:
    """Every other user is wanted: no approximate search goes so far."""
    base = base_of(120, kind)
    if kind == "ivf":
        base.index.nprobe = 1
    selves = base.owners[:3]
    found = search(base, base.states[:3], selves, k=119)
    assert len(found.query) == 3 * 119
    exact = search_exactly(base, base.states[:3], selves, k=119)
    np.testing.assert_allclose(found.similarity, exact.similarity, atol=1e-6)


@settings(max_examples=25)
@given(users=st.integers(2, 40), k=st.integers(1, 12), seed=st.integers(0, 999))
def test_looking_at_all_states_finds_what_the_flat_index_finds(
    users: int, k: int, seed: int
) -> None:
    base = base_of(users, "flat", seed)
    indexed = search(base, base.states, base.owners, k)
    plain = search_exactly(base, base.states, base.owners, k)
    np.testing.assert_array_equal(indexed.query, plain.query)
    np.testing.assert_allclose(indexed.similarity, plain.similarity, atol=1e-6)
    assert (base.owners[plain.moment] != base.owners[plain.query]).all()


def test_recall_is_one_for_an_exact_index_and_less_for_one_that_hardly_looks() -> None:
    flat, lists = base_of(600, "flat"), base_of(600, "ivf")
    assert measured_recall(flat, flat.states, 10) == 1.0
    lists.index.nprobe = lists.index.nlist
    assert measured_recall(lists, lists.states, 10) == 1.0
    lists.index.nprobe = 1
    assert 0.1 < measured_recall(lists, lists.states, 10) < 0.9


def test_a_graph_of_some_thousand_states_misses_next_to_nothing() -> None:
    base = base_of(1500, "hnsw")
    facts = search_facts(base, base.states)
    assert facts["index"] == "hnsw"
    assert facts["indexed_states"] == 1500 * MOMENTS
    assert float(facts["index_recall@10"]) >= 0.95


def test_recall_of_no_questions() -> None:
    assert search_facts(base_of(20, "ivf"), np.empty((0, WIDTH), np.float32)) == {
        "index": "ivf",
        "indexed_states": 20 * MOMENTS,
        "index_recall@10": 1.0,
    }


def test_the_configuration_and_the_size_choose_the_index() -> None:
    assert index_kind(CollabConfig(exact_up_to=10), 10) == "flat"
    assert index_kind(CollabConfig(exact_up_to=10), 11) == "hnsw"
    assert index_kind(CollabConfig(index="ivf", exact_up_to=10), 5) == "ivf"


def test_the_base_is_searched_as_its_configuration_says() -> None:
    class Vectors:
        def encode(self, histories: Sequences) -> np.ndarray:
            return np.stack([np.bincount(items, minlength=N_ITEMS) for items in histories])

    train = base_of(30, "flat").train
    config = CollabConfig(exact_up_to=5)
    assert build_knowledge_base(Vectors(), train).kind == "flat"
    assert build_knowledge_base(Vectors(), train, None, config).kind == "hnsw"


def test_no_neighbours_wanted_gives_the_columns_alone() -> None:
    base = base_of(5, "flat")
    users = base.train.users.gather(base.rows)
    asked = (base, base.states, users, base.moments, IDS)
    assert not len(find_neighbours(*asked, k=0))
    assert find_neighbours(*asked, k=0).schema == find_neighbours(*asked, k=1).schema
