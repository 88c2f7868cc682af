from collections.abc import Sequence

import numpy as np
import pytest

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.invented import invented_rows
from gistrec.mllm.invented_items import Goods
from gistrec.mllm.packing import Row
from gistrec.mllm.primer import primer_words
from gistrec.mllm.prompts import Nouns

NOUNS = Nouns("video", "watched")
TOLD = [("rustic", "cork"), ("modern", "wool"), ("nordic",)]


def words(backbone: Backbone, ids: Sequence[int]) -> list[str]:
    text = backbone.processor.tokenizer.decode(ids, skip_special_tokens=True)
    return str(text).split()


def rows(
    backbone: Backbone, texts: Sequence[Sequence[str]], seed: int, count: int = 40
) -> list[Row]:
    return invented_rows(backbone, NOUNS, Goods(texts), count, [seed, 0])


@pytest.mark.parametrize("texts", [TOLD, []])
def test_candidates_are_made_of_known_words(
    texts: list[tuple[str, ...]], tiny_backbone: Backbone
) -> None:
    known = {*primer_words(), *(word for told in texts for word in told)}
    for row in rows(tiny_backbone, texts, 0):
        assert words(tiny_backbone, row.prefix.ids)[:3] == ["a", "user", "watched"]
        assert len({len(row.branches)} | {5}) == 1
        for branch in row.branches:
            assert branch.images == ()
            assert 3 <= len(set(words(tiny_backbone, branch.ids)) & known) <= 3 + 2
            assert set(words(tiny_backbone, branch.ids)) <= known


def test_the_first_candidate_is_more_like_the_history(tiny_backbone: Backbone) -> None:
    """Of 300 users the first candidate shares more words with the history than the others do."""
    shared = [0.0, 0.0]
    for row in rows(tiny_backbone, TOLD, 0, count=300):
        history = set(words(tiny_backbone, row.prefix.ids))
        likeness = [len(history & set(words(tiny_backbone, b.ids))) for b in row.branches]
        shared[0] += likeness[0] / 300
        shared[1] += sum(likeness[1:]) / 4 / 300
    assert shared[0] > shared[1] + 0.5


def test_invented_users_are_decided_by_their_seed(tiny_backbone: Backbone) -> None:
    assert rows(tiny_backbone, TOLD, 1) == rows(tiny_backbone, TOLD, 1)
    assert rows(tiny_backbone, TOLD, 1) != rows(tiny_backbone, TOLD, 2)
    assert rows(tiny_backbone, TOLD, 1, count=0) == []


def test_where_nothing_is_drawn_items_are_told_by_words_of_texts_alone(
    tiny_backbone: Backbone,
) -> None:
    rng = np.random.default_rng(0)
    goods = Goods(TOLD, parts=())
    liking = goods.liking(rng)
    assert liking.parts == ()
    items = [goods.item(liking, rng) for _ in range(20)]
    assert {item.words for item in items} <= set(TOLD)
    assert invented_rows(tiny_backbone, NOUNS, goods, 3, [0, 0])
