"""In every family, how rows are packed, batched and chunked changes no score."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from families.pair import SIZES, Pair, Prompt
from gistrec.mllm.packing import Row
from gistrec.mllm.prompts import ItemImage
from gistrec.mllm.scoring import score_rows

WORDS = ["red", "blue", "sofa", "lamp", "dotted", "item", "bought", "come\n", "x7", "?"]
TOLERANCE = 1e-4

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
images = st.integers(0, len(SIZES) - 1).map(ItemImage)
parts = st.lists(texts | images, min_size=1, max_size=3)
prompts = st.tuples(parts, st.lists(parts, min_size=1, max_size=5))


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


@settings(max_examples=10)
@given(prompt=prompts)
def test_a_packed_row_scores_like_prompts_of_its_own(pair: Pair, prompt: Prompt) -> None:
    row = pair.row(prompt)
    (found,) = score_rows(pair.backbone, [row], pair.features)
    close(found, pair.yes_minus_no(pair.expected(row)))


@settings(max_examples=8)
@given(batch=st.lists(prompts, min_size=2, max_size=4), data=st.data())
def test_batches_order_and_chunks_change_nothing(
    pair: Pair, batch: list[Prompt], data: st.DataObject
) -> None:
    rows = [pair.row(prompt) for prompt in batch]
    singly = [score_rows(pair.backbone, [row], pair.features)[0] for row in rows]
    most = data.draw(st.sampled_from([1, 60, 16_384]))
    chunk = data.draw(st.sampled_from([1, 12, 30]))
    together = score_rows(pair.backbone, rows, pair.features, max_tokens=most)
    in_chunks = score_rows(pair.backbone, rows, pair.features, max_tokens=most, chunk_tokens=chunk)
    orders = [data.draw(st.permutations(range(len(row.branches)))) for row in rows]
    shuffled = [
        Row(row.prefix, tuple(row.branches[place] for place in order))
        for row, order in zip(rows, orders, strict=True)
    ]
    moved = score_rows(pair.backbone, shuffled, pair.features, chunk_tokens=chunk)
    for expected, one, other, order, at in zip(
        singly, together, in_chunks, orders, moved, strict=True
    ):
        close(one, expected)
        close(other, expected)
        close(at, expected[list(order)])


def test_a_candidate_never_sees_another(pair: Pair) -> None:
    prefix = [ItemImage(0), "user chose red sofa"]
    first = [ItemImage(5), "blue lamp"]
    others = (["green chair"], [ItemImage(3), "plain item"], [ItemImage(5), "blue lamp?"])
    rows = [pair.row((prefix, [first, other, first])) for other in others]
    for chunk_tokens in (1, 10_000):
        scores = score_rows(pair.backbone, rows, pair.features, chunk_tokens=chunk_tokens)
        for found in scores:
            close(found[0], scores[0][0])
            close(found[2], scores[0][0])
            assert abs(float(found[1] - found[0])) > 10 * TOLERANCE
