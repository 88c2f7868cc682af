from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import flex_attention

from gistrec.mllm.packing import (
    NO_PICTURE,
    PADDING,
    PREFIX,
    Layout,
    Marks,
    Picture,
    Row,
    Tokens,
    pack,
    pack_branches,
)
from gistrec.mllm.visibility import as_eager, as_flex, masks, visible

IMAGE = 50


def counted(tokens: Tokens) -> tuple[torch.Tensor, int]:
    return torch.arange(len(tokens.ids))[None], len(tokens.ids)


LAYOUT = Layout(0, IMAGE, 1, counted)
words = st.integers(1, 3).map(lambda count: Tokens((1,) * count))
pictures = st.integers(1, 3).map(lambda count: Tokens((IMAGE,) * count, (Picture(0, 1, count),)))
parts = st.lists(words | pictures, min_size=1, max_size=3).map(lambda many: sum(many, Tokens(())))
rows = st.builds(Row, parts, st.lists(parts, min_size=1, max_size=3).map(tuple))
batches = st.lists(rows, min_size=1, max_size=3)


def expected(marks: Marks, whole: bool, window: int | None) -> np.ndarray:
    """The rule, written out token by token."""
    rows, length = marks.branch.shape
    seen = np.zeros((rows, length, length), dtype=bool)
    for row, q, k in np.ndindex(rows, length, length):
        ours, theirs = marks.branch[row, q].item(), marks.branch[row, k].item()
        here, before = marks.order[row, q].item(), marks.order[row, k].item()
        image = marks.picture[row, q].item()
        same = whole and image != NO_PICTURE and image == marks.picture[row, k].item()
        near = window is None or here - before < window
        allowed = theirs in (PREFIX, ours) and theirs != PADDING and (before <= here or same)
        seen[row, q, k] = (allowed and near) or ours == PADDING
    return seen


@given(batch=batches, whole=st.booleans(), window=st.none() | st.integers(1, 5))
def test_a_token_sees_its_prefix_and_its_own_past(
    batch: list[Row], whole: bool, window: int | None
) -> None:
    marks = pack(batch, LAYOUT).marks
    mask = visible(marks, marks, whole, window)[:, 0].numpy()
    np.testing.assert_array_equal(mask, expected(marks, whole, window))


@given(batch=batches, whole=st.booleans(), window=st.none() | st.integers(1, 5))
def test_branches_after_a_cached_prefix_see_what_they_see_in_a_row(
    batch: list[Row], whole: bool, window: int | None
) -> None:
    packed = pack(batch, LAYOUT).marks
    prefix = pack([Row(row.prefix, ()) for row in batch], LAYOUT).marks
    rest = pack_branches(batch, LAYOUT).marks
    whole_mask = visible(packed, packed, whole, window)
    mask = visible(rest, prefix.followed_by(rest), whole, window)
    for number, row in enumerate(batch):
        begin, width = len(row.prefix.ids), prefix.branch.shape[1]
        count = row.branch_tokens
        ours = mask[number, 0, :count]
        theirs = whole_mask[number, 0, begin : begin + count, : begin + count]
        assert torch.equal(ours[:, :begin], theirs[:, :begin])
        assert torch.equal(ours[:, width : width + count], theirs[:, begin:])
        assert not ours[:, begin:width].any()


def test_every_kernel_reads_the_same_rule() -> None:
    """FlexAttention, attention written out and the plain mask give the same result."""
    picture = Tokens((IMAGE,) * 3, (Picture(0, 1, 3),))
    word = Tokens((1, 2))
    marks = pack(
        [Row(word + picture + word, (word, picture + word)), Row(word, (word,))], LAYOUT
    ).marks
    torch.manual_seed(0)
    length = marks.branch.shape[1]
    query, key, value = torch.randn(3, 2, 2, length, 16)
    for whole, window in ((False, None), (True, 3)):
        allowed = visible(marks, marks, whole, window)
        plain = torch.nn.functional.scaled_dot_product_attention(query, key, value, allowed)
        added = as_eager(marks, marks, whole, window, torch.float32)
        written = ((query @ key.mT) / 4 + added).softmax(-1) @ value
        blocks = as_flex(marks, marks, whole, window)
        flexible = flex_attention(query, key, value, block_mask=blocks)
        torch.testing.assert_close(written, plain, atol=1e-5, rtol=0)
        torch.testing.assert_close(flexible, plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kinds", "window", "windowed"),
    [
        (None, None, False),
        (None, 2, True),
        (["full_attention"] * 2, 2, False),
        (["sliding_attention"] * 2, 2, True),
    ],
)
def test_layers_of_one_kind_share_a_mask(
    kinds: list[str] | None, window: int | None, windowed: bool
) -> None:
    config = SimpleNamespace(_attn_implementation="sdpa", sliding_window=window, layer_types=kinds)
    marks = pack([Row(Tokens((1,) * 4), (Tokens((1,)),))], LAYOUT).marks
    mask = masks(config, marks, marks, False, torch.float32)
    assert torch.equal(mask, visible(marks, marks, False, 2 if windowed else None))


def test_layers_of_two_kinds_have_a_mask_each() -> None:
    config = SimpleNamespace(
        _attn_implementation="sdpa",
        sliding_window=2,
        layer_types=["full_attention", "sliding_attention"],
    )
    marks = pack([Row(Tokens((1,) * 4), (Tokens((1,)),))], LAYOUT).marks
    found = masks(config, marks, marks, False, torch.float32)
    assert torch.equal(found["full_attention"], visible(marks, marks))
    assert torch.equal(found["sliding_attention"], visible(marks, marks, window=2))
    assert not torch.equal(found["full_attention"], found["sliding_attention"])
