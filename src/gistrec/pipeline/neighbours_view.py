"""The users similar to one, as a person reads them: at which moment, by what, what came next."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec.collab.knowledge_base import encode_histories
from gistrec.collab.neighbours import search
from gistrec.counted import counted
from gistrec.pipeline.users import RunUsers
from gistrec.recommender.left_out import MOST
from gistrec.text.words import telling_words

_WORDS = 10  # words in common that are told, those of most items


class ShownItem(BaseModel):
    """An item by its id, what it is called, and its gist ("" where it has none)."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str
    gist: str


class SimilarUser(BaseModel):
    """A training user whose history, at some moment, resembles the asker's.

    Attributes:
        similarity: cosine of the encoder's states.
        moment: how many of its interactions were known then.
        interactions: how many it has in the training log.
        shared_items: items of the asker's history that it had by then, the asker's latest first.
        shared_words: words in the gists of both users' latest items, as many as a prompt shows,
            or 12 where a taste stands for them; the words of most of the asker's items first.
        chose_next: what it chose right after that moment, in order.
    """

    model_config = ConfigDict(frozen=True)

    user_id: str
    similarity: float
    moment: int
    interactions: int
    shared_items: tuple[ShownItem, ...]
    shared_words: tuple[str, ...]
    chose_next: tuple[ShownItem, ...]


class Neighbours(BaseModel):
    """The users similar to one after all that the dataset knows of it, most similar first.

    Attributes:
        told: of how many a prompt tells.
    """

    model_config = ConfigDict(frozen=True)

    user_id: str
    known: int
    told: int
    users: tuple[SimilarUser, ...]

    def note(self) -> str:
        """What must be known to read the table aright; empty where there is nothing."""
        if self.told:
            return ""
        return (
            "collab.neighbours=0: the model is told none of it; similar users only help to find "
            "candidates"
        )

    def table(self) -> Table:
        """For a person to read."""
        table = Table(
            title=escape(f"Users similar to {self.user_id}"),
            caption=f"after {counted(self.known, 'interaction')}",
            title_justify="left",
            caption_justify="left",
        )
        for column in (
            *("user", "similarity", "moment", "items in common"),
            *("words in common of the latest items", "chose next"),
        ):
            table.add_column(column, justify="right" if column == "similarity" else "left")
        for user in self.users:
            cells = (
                user.user_id,
                f"{user.similarity:.3f}",
                f"after {user.moment} of {user.interactions}",
                "; ".join(item.title for item in user.shared_items) or "none",
                " ".join(user.shared_words) or "none",
                "; ".join(f"{item.title} ({item.gist or 'no gist'})" for item in user.chose_next),
            )
            table.add_row(*map(escape, cells))
        return table


def similar_users(found: RunUsers, user: str, k: int = 3) -> Neighbours:
    """The ``k`` users most similar to ``user``, by the search that the collab stage makes.

    Raises:
        RunError: the dataset does not know the user.
    """
    history = found.history_of(user)
    base, codes = found.base, history[0].tolist()
    own = np.array([base.user_numbers.get(user, -1)])
    hits = search(base, encode_histories(found.encoder, history), own, k)
    users = [
        _shown(found, codes, int(base.rows[hit]), int(base.moments[hit]), similarity)
        for hit, similarity in zip(hits.moment.tolist(), hits.similarity.tolist(), strict=True)
    ]
    told = found.work.config.collab.neighbours
    return Neighbours(user_id=user, known=len(codes), told=told, users=tuple(users))


def _shown(
    found: RunUsers, history: list[int], row: int, moment: int, similarity: float
) -> SimilarUser:
    config, train = found.work.config, found.split.train
    items: list[int] = train[row].tolist()
    had, following = items[:moment], items[moment : moment + config.collab.next_items]
    latest = config.recommender.history or MOST
    return SimilarUser(
        user_id=train.users[row],
        similarity=similarity,
        moment=moment,
        interactions=len(items),
        shared_items=_items(found, [code for code in dict.fromkeys(history[::-1]) if code in had]),
        shared_words=_shared_words(found.words, history[-latest:], had[-latest:]),
        chose_next=_items(found, following),
    )


def _items(found: RunUsers, codes: Sequence[int]) -> tuple[ShownItem, ...]:
    ids = found.work.dataset.item_ids
    return tuple(
        ShownItem(item_id=ids[code], title=found.name(code), gist=found.gist(code))
        for code in codes
    )


def _shared_words(
    gists: Sequence[str], mine: Sequence[int], theirs: Sequence[int]
) -> tuple[str, ...]:
    """Words of both sides' gists, those of most of my items first, then as they come."""
    spelled = [telling_words(gists[code]) for code in mine]
    counts = Counter(word for words in spelled for word in words)
    other = {word for code in theirs for word in telling_words(gists[code])}
    told = {word: said for words in reversed(spelled) for word, said in words.items()}
    return tuple([told[word] for word, _ in counts.most_common() if word in other][:_WORDS])
