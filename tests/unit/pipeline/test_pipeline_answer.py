"""What a person reads of recommendations and similar users where there is little to tell."""

from rich.console import Console
from rich.table import Table

from gistrec.pipeline.answer import Answer, Recommendation
from gistrec.pipeline.neighbours_view import Neighbours, ShownItem, SimilarUser


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
    told = printed(Neighbours(user_id="u", known=1, users=(similar,)).table())
    assert "odd vase (no gist)" in told
    assert "after 1 interaction\n" in "\n".join(f"{line.strip()}\n" for line in told.splitlines())
