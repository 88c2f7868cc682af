"""What a person reads of recommendations and similar users where there is little to tell."""

import re

from rich.console import Console
from rich.table import Table

from gistrec.pipeline.answer import Answer, Recommendation
from gistrec.pipeline.neighbours_view import Neighbours, ShownItem, SimilarUser
from gistrec.pipeline.taste.steps import TasteItem, TasteStep, told_over_time
from gistrec.pipeline.taste.view import UserTaste


def printed(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as caught:
        console.print(table)
    return caught.get()


def test_a_title_is_not_shown_as_a_gist() -> None:
    item = Recommendation(
        item_id="i1",
        title="odd vase",
        gist="",
        score=1.0,
        probability=0.7,
        shared_words={},
        neighbour_words={},
        chosen_by=(),
        paths=(),
        left_out=None,
        reasons=(),
    )
    told = printed(Answer(user_id="u", system="s", history=(), items=(item,)).table())
    assert told.count("odd vase") == 1
    assert "(none: the title stands in)" in told


def test_similar_users_are_told_of_without_repeating_a_title() -> None:
    chosen = (ShownItem(item_id="i1", title="odd vase", gist=""),)
    similar = SimilarUser(
        user_id="v",
        similarity=0.5,
        moment=1,
        interactions=2,
        shared_items=(),
        shared_words=(),
        chose_next=chosen,
    )
    told = printed(Neighbours(user_id="u", known=1, told=3, users=(similar,)).table())
    assert "odd vase (no gist)" in told
    assert "after 1 interaction\n" in "\n".join(f"{line.strip()}\n" for line in told.splitlines())


def test_similar_users_that_no_prompt_tells_of_are_said_to_be_none_of_the_models_business() -> None:
    told = Neighbours(user_id="u", known=1, told=3, users=())
    assert told.note() == ""
    note = told.model_copy(update={"told": 0}).note()
    assert "collab.neighbours=0: the model is told none of it" in note
    assert "\n" not in note


def steps(n: int) -> tuple[TasteStep, ...]:
    return tuple(
        TasteStep(
            after=3 * place,
            items=(TasteItem(item_id=f"i{place}", title=f"item-{place}"),),
            taste=f"taste-{place}",
            valid=True,
            new=(),
            kept=(),
            dropped=(),
        )
        for place in range(1, n + 1)
    )


def test_of_a_long_history_the_latest_eight_steps_are_shown() -> None:
    long = UserTaste(user_id="u", steps=steps(30))
    for told in (printed(long.table()), told_over_time(long.steps)):
        shown = [place for place in range(1, 31) if re.search(rf"taste-{place}\b", told)]
        assert shown == list(range(30 - 8 + 1, 31))
        assert "22 earlier steps not shown: --json has all" in " ".join(told.split())
    assert "now, after 90 items: taste-30" in told_over_time(long.steps)
    assert "after 90 interactions" in printed(long.table())
    assert len(UserTaste.model_validate_json(long.model_dump_json()).steps) == 30


def test_eight_steps_are_all_and_one_more_is_one_earlier() -> None:
    short = UserTaste(user_id="u", steps=steps(8))
    for told in (printed(short.table()), told_over_time(short.steps)):
        assert "earlier" not in told
        assert all(f"taste-{place}" in told for place in range(1, 9))
    assert "(1 earlier step not shown" in told_over_time(steps(9))
    assert told_over_time(()) == "taste: none before the first interaction"
