import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.packing import (
    NO_PICTURE,
    Layout,
    Picture,
    Row,
    Tokens,
    pack,
    pack_branches,
    pack_prompts,
)

PAD, IMAGE = 99, 50


def counted(tokens: Tokens) -> tuple[torch.Tensor, int]:
    return torch.arange(len(tokens.ids))[None], len(tokens.ids)


LAYOUT = Layout(PAD, IMAGE, 1, counted)
token_lists = st.lists(st.integers(0, 9), min_size=1, max_size=4).map(tuple)
rows = st.builds(
    Row,
    st.builds(Tokens, token_lists),
    st.lists(st.builds(Tokens, token_lists), max_size=3).map(tuple),
)


def shown(code: int, count: int) -> Tokens:
    return Tokens((IMAGE,) * count, (Picture(code, 1, count),))


@given(batch=st.lists(rows, min_size=1, max_size=4))
def test_packed_rows_can_be_read_back(batch: list[Row]) -> None:
    packed = pack(batch, LAYOUT)
    assert packed.ids.shape[1] == max(map(len, batch))
    for number, row in enumerate(batch):
        for branch, tokens in enumerate([row.prefix, *row.branches]):
            there = packed.branch[number] == branch
            assert tuple(packed.ids[number][there].tolist()) == tokens.ids
            begin = len(row.prefix.ids) if branch else 0
            places = list(range(begin, begin + len(tokens.ids)))
            assert packed.positions[0, number][there].tolist() == places
            assert packed.marks.order[number][there].tolist() == places
        assert (packed.ids[number, len(row) :] == PAD).all()
    ends = [packed.ids[row, place].item() for row, place in packed.answers]
    assert ends == [branch.ids[-1] for row in batch for branch in row.branches]


@given(batch=st.lists(rows.filter(lambda row: row.branches), min_size=1, max_size=4))
def test_branches_alone_are_the_rest_of_the_row(batch: list[Row]) -> None:
    whole, rest = pack(batch, LAYOUT), pack_branches(batch, LAYOUT)
    for number, row in enumerate(batch):
        begin, count = len(row.prefix.ids), row.branch_tokens
        for one, other in (
            (whole.ids, rest.ids),
            (whole.positions[0], rest.positions[0]),
            (whole.branch, rest.branch),
            (whole.marks.order, rest.marks.order),
        ):
            assert torch.equal(one[number, begin : begin + count], other[number, :count])
        assert (rest.branch[number, count:] < 0).all()


@given(prompts=st.lists(st.builds(Tokens, token_lists), min_size=1, max_size=4))
def test_whole_prompts_end_in_the_last_column(prompts: list[Tokens]) -> None:
    packed = pack_prompts(prompts, LAYOUT)
    width = packed.ids.shape[1]
    for number, tokens in enumerate(prompts):
        assert tuple(packed.ids[number, width - len(tokens.ids) :].tolist()) == tokens.ids
        assert (packed.branch[number, : width - len(tokens.ids)] < 0).all()
    assert packed.answers[:, 1].tolist() == [width - 1] * len(prompts)


def test_images_keep_the_order_of_their_tokens() -> None:
    word = Tokens((1,))
    two = [
        Row(word + shown(5, 2), (shown(7, 1) + shown(8, 3), word)),
        Row(word, (word + shown(6, 2),)),
    ]
    packed = pack(two, LAYOUT)
    assert packed.images == (5, 7, 8, 6)
    none = NO_PICTURE
    assert packed.marks.picture.tolist() == [
        [none, 0, 0, 1, 2, 2, 2, none],
        [none, none, 0, 0, none, none, none, none],
    ]


def test_an_empty_candidate_has_no_answer() -> None:
    with pytest.raises(ValueError, match="candidate 2 of row 0 has no tokens"):
        pack([Row(Tokens((1,)), (Tokens((1,)), Tokens(())))], LAYOUT)
