import numpy as np
import polars as pl
import pytest

from gistrec.baselines.itemknn import ItemKnn
from gistrec.config.baselines import ItemKnnConfig
from gistrec.data.sequences import Sequences


def sequences(*rows: list[int]) -> Sequences:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    items = np.array([item for row in rows for item in row], dtype=np.int32)
    users = pl.Series([str(index) for index in range(len(rows))], dtype=pl.String)
    return Sequences(users, offsets, items, np.arange(len(items), dtype=np.int64))


# Item 0 has 3 users, item 1 has 2, item 2 has 2, item 3 none.
TRAIN = sequences([0, 1], [0, 1, 2], [0, 2, 0])


def test_similarities_are_cosines_of_users() -> None:
    knn = ItemKnn.fit(TRAIN, 4, ItemKnnConfig(popularity_weight=0.0))
    scores = knn.score(sequences([0], [1]), None)
    assert scores[0] == pytest.approx([0, 2 / (3 * 2) ** 0.5, 2 / (3 * 2) ** 0.5, 0])
    assert scores[1] == pytest.approx([2 / (3 * 2) ** 0.5, 0, 1 / (2 * 2) ** 0.5, 0])


def test_a_history_adds_up_each_item_once() -> None:
    knn = ItemKnn.fit(TRAIN, 4, ItemKnnConfig(popularity_weight=0.0))
    scores = knn.score(sequences([0, 1, 0]), None)
    assert scores[0, 2] == pytest.approx(2 / (3 * 2) ** 0.5 + 1 / (2 * 2) ** 0.5)


def test_only_the_nearest_neighbours_count() -> None:
    knn = ItemKnn.fit(TRAIN, 4, ItemKnnConfig(popularity_weight=0.0, neighbours=1))
    # Items 1 and 2 are equally near to 0: the lower code is kept.
    assert knn.score(sequences([0]), None)[0] == pytest.approx([0, 2 / 6**0.5, 0, 0])
    assert knn.score(sequences([1]), None)[0] == pytest.approx([2 / 6**0.5, 0, 0, 0])


def test_popularity_orders_what_is_unrelated() -> None:
    knn = ItemKnn.fit(TRAIN, 4, ItemKnnConfig(popularity_weight=0.001))
    # Item 0 occurs 4 times in the log, items 1 and 2 twice, item 3 never.
    assert knn.score(sequences([3]), None)[0] == pytest.approx([0.001, 0.0005, 0.0005, 0])


def test_fitting_leaves_the_log_in_its_order() -> None:
    log = sequences([3, 1, 2, 0], [2, 1])
    ItemKnn.fit(log, 4, ItemKnnConfig())
    assert log.items.tolist() == [3, 1, 2, 0, 2, 1]
