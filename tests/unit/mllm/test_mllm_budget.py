from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gistrec.errors import ConfigError
from gistrec.mllm.budget import Budget, Cuts, Plan, cuts_of

FIXED = Budget(
    frame=10, heading=4, question=6, candidate=20, image=8, answer=1, most=None, context=None
)
LEAST = 10 + 6 + 20 + 1

entries = st.lists(st.integers(1, 30), max_size=9)


def limited(limit: int) -> Budget:
    return replace(FIXED, most=limit)


def tokens(history: Sequence[int], neighbours: Sequence[int], plan: Plan) -> int:
    """Of the prompt that shows what the plan says."""
    shown = sum(history[len(history) - plan.history :]) + sum(neighbours[: plan.neighbours])
    return LEAST + shown + (4 if plan.neighbours else 0)


@given(history=entries, neighbours=entries, room=st.integers(0, 400))
def test_a_plan_keeps_to_its_limit_and_counts_what_it_cuts(
    history: list[int], neighbours: list[int], room: int
) -> None:
    plan = limited(LEAST + room).plan(history, neighbours)
    assert plan.tokens == tokens(history, neighbours, plan) <= LEAST + room
    assert plan.history + plan.history_cut == len(history)
    assert plan.neighbours + plan.neighbours_cut == len(neighbours)
    assert min(plan.history, plan.history_cut, plan.neighbours, plan.neighbours_cut) >= 0


@given(history=entries, neighbours=entries, room=st.integers(0, 400))
def test_what_goes_first_is_the_oldest_then_the_least_similar(
    history: list[int], neighbours: list[int], room: int
) -> None:
    """Older entries are shown beside all neighbours only, and those beside the latest entry."""
    plan = limited(LEAST + room).plan(history, neighbours)
    if plan.history > 1:
        assert plan.neighbours_cut == 0
    if plan.neighbours:
        assert plan.history >= min(1, len(history))


@given(history=entries, neighbours=entries, room=st.integers(0, 400))
def test_a_plan_keeps_as_much_as_fits(history: list[int], neighbours: list[int], room: int) -> None:
    """The next entry in line would be one too many."""
    plan = limited(LEAST + room).plan(history, neighbours)
    if plan.history_cut and (not plan.history or not plan.neighbours_cut):
        more = plan._replace(history=plan.history + 1)
    elif plan.neighbours_cut:
        more = plan._replace(neighbours=plan.neighbours + 1)
    else:
        return
    assert tokens(history, neighbours, more) > LEAST + room


@given(history=entries, neighbours=entries, room=st.integers(0, 400), more=st.integers(0, 100))
def test_a_larger_limit_never_shows_less(
    history: list[int], neighbours: list[int], room: int, more: int
) -> None:
    low = limited(LEAST + room).plan(history, neighbours)
    high = limited(LEAST + room + more).plan(history, neighbours)
    assert low.history <= high.history
    assert low.neighbours <= high.neighbours
    assert low.tokens <= high.tokens


@given(history=entries, neighbours=entries)
def test_without_a_limit_everything_is_shown(history: list[int], neighbours: list[int]) -> None:
    plan = FIXED.plan(history, neighbours)
    assert (plan.history, plan.neighbours) == (len(history), len(neighbours))
    assert plan.tokens == tokens(history, neighbours, plan)
    assert plan == limited(plan.tokens).plan(history, neighbours)


@pytest.mark.parametrize(
    ("room", "history", "neighbours"),
    [
        (44, 3, 2),  # 5 + 5 + 5, 4 + 10 + 15
        (43, 2, 2),
        (34, 1, 2),
        (33, 1, 1),
        (19, 1, 1),
        (18, 1, 0),
        (5, 1, 0),
        (4, 0, 0),
    ],
)
def test_what_is_left_as_the_room_shrinks(room: int, history: int, neighbours: int) -> None:
    plan = limited(LEAST + room).plan([5, 5, 5], [10, 15])
    assert (plan.history, plan.neighbours) == (history, neighbours)


def test_the_backbones_context_is_the_limit_where_none_is_set() -> None:
    assert replace(FIXED, context=LEAST + 5).plan([5, 5], []).history == 1
    assert replace(FIXED, context=LEAST + 10, most=LEAST + 5).plan([5, 5], []).history == 1
    assert replace(FIXED, context=LEAST + 10).limit == LEAST + 10


# --- what cannot be kept ---


def test_a_limit_below_frame_and_candidate_says_by_how_much_and_what_to_set() -> None:
    with pytest.raises(ConfigError) as told:
        replace(FIXED, most=LEAST - 7, context=1000)
    message = str(told.value)
    assert "too long by 7 tokens" in message
    assert "candidate 20 (8 of them its image's)" in message
    assert f"recommender.max_prompt_tokens allows {LEAST - 7}" in message
    assert f"set recommender.max_prompt_tokens to {LEAST} or more" in message
    assert limited(LEAST).plan([1], [1]) == Plan(0, 0, LEAST, 1, 1)


def test_a_backbone_that_reads_too_little_is_not_mended_by_the_limit() -> None:
    with pytest.raises(ConfigError, match=f"name a backbone that reads {LEAST} tokens") as told:
        replace(FIXED, context=LEAST - 1)
    assert f"the backbone allows {LEAST - 1}" in str(told.value)
    assert "set recommender.max_prompt_tokens" not in str(told.value)


def test_candidates_without_image_are_not_told_to_shrink_it() -> None:
    with pytest.raises(ConfigError) as told:
        replace(FIXED, image=0, most=1)
    assert "image" not in str(told.value)


def test_a_limit_above_the_backbones_context_is_refused() -> None:
    with pytest.raises(ConfigError, match="is 99, but the backbone reads at most 98 tokens"):
        replace(FIXED, most=99, context=98)


# --- counts ---


def test_cuts_are_counted_over_prompts() -> None:
    plans = [Plan(3, 2, 90), Plan(1, 2, 70, 2, 0), Plan(1, 0, 80, 4, 3)]
    cuts = cuts_of(plans)
    assert cuts == Cuts(3, 2, 2 + 4, 3, 90)
    assert cuts
    assert not cuts_of(plans[:1])
    assert cuts_of([]) == Cuts()
    assert "2 of 3 prompts" in cuts.told(80)
    assert "6 entries of histories and 3 of similar users" in cuts.told(80)
