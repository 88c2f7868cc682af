"""Recommendations for a user with what speaks for each, for people and as JSON."""

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec.data.dataset import Dataset
from gistrec.pipeline.taste.steps import TasteStep
from gistrec.recommender.explain import Explanation, SharedWord, reasons


class PathTaken(BaseModel):
    """Another user who had an item of the history and the item itself, or one alike.

    Attributes:
        history_item, chose: item ids.
        user: id.
        later: whether they chose the second after the first.
    """

    model_config = ConfigDict(frozen=True)

    history_item: str
    user: str
    chose: str
    later: bool


class ItemLeftOut(BaseModel):
    """How the model scores the item with an item of the history and without it.

    Attributes:
        item_id, title: of what was left out of the prompt.
        score: log p(yes) - log p(no) of the whole prompt.
        without: the same without the item.
    """

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str
    score: float
    without: float


class Recommendation(BaseModel):
    """One item, and facts that speak for it.

    Attributes:
        gist: "" where the item has none and its title stands in for it.
        score: what the system ranks by.
        probability: p(yes) / (p(yes) + p(no)) that the model gives the item; between 0 and 1.
        shared_words: words of its gist found in gists of the user's latest items, with their ids.
        neighbour_words: likewise in gists of what similar users chose next.
        chosen_by: similar users who chose it next.
        taste_words: words of its gist that the user's taste holds; None where prompts tell none.
        paths: others who had an item of the history and it; none where a run has no evidence.
        left_out: by the fall of the score, the greatest first; None where it was not asked for.
        reasons: the facts in sentences.
    """

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str
    gist: str
    score: float
    probability: float
    shared_words: dict[str, tuple[str, ...]]
    neighbour_words: dict[str, tuple[str, ...]]
    taste_words: tuple[str, ...] | None = None
    chosen_by: tuple[str, ...]
    paths: tuple[PathTaken, ...]
    left_out: tuple[ItemLeftOut, ...] | None
    reasons: tuple[str, ...]

    def reason(self) -> str:
        """The facts in one line."""
        return "; ".join(self.reasons)


class Answer(BaseModel):
    """What is recommended to a user, best first, by one of a run's systems.

    Attributes:
        history: titles of the latest items.
        tastes: the user's taste over time, the last as prompts tell it; None where they tell none.
    """

    model_config = ConfigDict(frozen=True)

    user_id: str
    system: str
    history: tuple[str, ...]
    tastes: tuple[TasteStep, ...] | None = None
    items: tuple[Recommendation, ...]

    def table(self) -> Table:
        """For a person to read."""
        table = Table(
            title=escape(f"For user {self.user_id}, by {self.system}"),
            caption=escape("latest: " + "; ".join(self.history)),
            title_justify="left",
            caption_justify="left",
        )
        for column in ("item", "title", "gist", "score", "p(yes)"):
            right = column in ("score", "p(yes)")
            table.add_column(column, justify="right" if right else "left")
        for item in self.items:
            numbers = (f"{item.score:.2f}", f"{item.probability:.3f}")
            gist = item.gist or ("(none: the title stands in)" if item.title else "(none)")
            table.add_row(*map(escape, (item.item_id, item.title, gist, *numbers)))
        return table

    def why(self) -> str:
        """The reasons of each item below one another, for a person to read."""
        parts = [
            "\n".join(
                [f"{item.item_id} {item.title}".rstrip(), *(f"  - {r}" for r in item.reasons)]
            )
            for item in self.items
        ]
        return "\n".join(["why (the model's logit is its log p(yes) - log p(no)):", *parts])


def as_recommendation(
    dataset: Dataset,
    gist: str,
    name: Callable[[int], str],
    score: float,
    own: float,
    why: Explanation,
) -> Recommendation:
    """Facts by codes as facts by ids.

    Args:
        dataset: whose items they are.
        gist: of the item, "" where it has none.
        name: what sentences call an item.
        score: what the system ranks by.
        own: the model's log p(yes) - log p(no).
        why: the facts.
    """
    ids = dataset.item_ids

    def by_word(words: Sequence[SharedWord]) -> dict[str, tuple[str, ...]]:
        return {shared.word: tuple(ids[code] for code in shared.items) for shared in words}

    left_out = None
    if why.left_out is not None:
        left_out = tuple(
            ItemLeftOut(
                item_id=ids[one.item],
                title=dataset.title(one.item),
                score=one.score,
                without=one.without,
            )
            for one in why.left_out
        )
    return Recommendation(
        item_id=ids[why.item],
        title=dataset.title(why.item),
        gist=gist,
        score=score,
        probability=1.0 / (1.0 + float(np.exp(-own))),
        shared_words=by_word(why.history_words),
        neighbour_words=by_word(why.neighbour_words),
        taste_words=None if why.taste is None else why.taste_words,
        chosen_by=why.chosen_by,
        paths=tuple(
            PathTaken(
                history_item=ids[path.history_item],
                user=path.user,
                chose=ids[path.chose],
                later=path.later,
            )
            for path in why.paths
        ),
        left_out=left_out,
        reasons=tuple(reasons(why, name)),
    )
