"""Recommendations from a finished run: retrieve, score, and say what they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec import schema
from gistrec.collab.candidates import retrieve
from gistrec.collab.knowledge_base import KnowledgeBase, build_knowledge_base, encode_histories
from gistrec.collab.neighbours import find_neighbours
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split
from gistrec.data.split_store import load_split
from gistrec.errors import RunError
from gistrec.pipeline.baselines import open_encoder
from gistrec.pipeline.gist import read_gists
from gistrec.pipeline.manifest import read_manifest
from gistrec.pipeline.recommender import Recommender, open_recommender, retrieved_items
from gistrec.pipeline.run import open_run
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.gists import gist_texts
from gistrec.recommender.nearby import nearby_items
from gistrec.sequence.model import SequenceModel

_STAGES = ("backbone", "gist", "recommender")  # whose models answer


class Recommendation(BaseModel):
    """One item, and facts that speak for it.

    Attributes:
        probability: p(yes) / (p(yes) + p(no)) that the model gives the item; between 0 and 1.
        shared_words: words of its gist found in gists of the user's latest items, by how many.
        chosen_by: similar users who chose it next.
    """

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str
    gist: str
    probability: float
    shared_words: dict[str, int]
    chosen_by: tuple[str, ...]

    def reason(self) -> str:
        """The facts in one line."""
        parts = []
        if self.shared_words:
            words = ", ".join(f"{word} ({n})" for word, n in self.shared_words.items())
            parts.append(f"in your latest: {words}")
        if self.chosen_by:
            parts.append(f"chosen next by similar users {', '.join(self.chosen_by)}")
        return "; ".join(parts) or "no word in common with your latest items"


class Answer(BaseModel):
    """What is recommended to a user, best first."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    history: tuple[str, ...]
    items: tuple[Recommendation, ...]

    def table(self) -> Table:
        """For a person to read."""
        table = Table(
            title=escape(f"For user {self.user_id}"),
            caption=escape("latest: " + "; ".join(self.history)),
            title_justify="left",
            caption_justify="left",
        )
        for column in ("item", "title", "gist", "p(yes)", "why"):
            table.add_column(column, justify="right" if column == "p(yes)" else "left")
        for item in self.items:
            chance = f"{item.probability:.3f}"
            cells = (item.item_id, item.title, item.gist, chance, item.reason())
            table.add_row(*map(escape, cells))
        return table


@dataclass(frozen=True, eq=False)
class Recommendations:
    """A finished run, open for questions."""

    work: Workplace
    recommender: Recommender
    encoder: SequenceModel
    words: list[str]
    split: Split

    @classmethod
    def open(cls, run: Path) -> "Recommendations":
        """Open a run of a system that recommends.

        Raises:
            RunError: the run is unfinished, or its system is a baseline alone.
        """
        work, _ = open_run(run)
        if not work.config.recommends:
            raise RunError(f"{run} holds baselines only; run a system such as mmsrarec")
        for stage in _STAGES:
            _refuse_other_settings(run, stage, getattr(work.config, stage))
        words = gist_texts(read_gists(run / "gist"), work.titles)
        encoder = open_encoder(run, work.config.collab.encoder)
        recommender = open_recommender(work, run / "recommender", run / "backbone", words)
        split = load_split(run / "split", work.dataset)
        return cls(work, recommender, encoder, words, split)

    @cached_property
    def _base(self) -> KnowledgeBase:
        most = self.work.config.collab.max_moments
        return build_knowledge_base(self.encoder, self.split.train, most)

    @cached_property
    def _sequences(self) -> Sequences:
        return self.work.dataset.sequences()

    def some_user(self) -> str:
        """A user that the model was not trained on, where there is one."""
        trained = set(self.split.train.users)
        users: list[str] = self._sequences.users.to_list()
        return next((user for user in users if user not in trained), users[0])

    def recommend(self, user: str, k: int = 10) -> Answer:
        """The ``k`` best items for all that the dataset knows of a user.

        Raises:
            RunError: the dataset does not know the user.
        """
        history = self.history_of(user)
        neighbours = self.neighbours_of(history)
        candidates = self._retrieved(history)
        if not candidates:
            raise RunError(f"user {user!r} has had every item: nothing is left to recommend")
        item_ids = self.work.dataset.item_ids
        ranker = self.recommender.ranker(nearby_items(neighbours, item_ids), {})
        scores = ranker.score_lists(history, [candidates])[0]
        best = np.argsort(-scores, kind="stable")[:k]
        latest = history[0][-self.work.config.recommender.history :].tolist()
        items = tuple(
            self._explained(candidates[place], float(scores[place]), latest, neighbours)
            for place in best.tolist()
        )
        return Answer(user_id=user, history=tuple(self.name(code) for code in latest), items=items)

    def history_of(self, user: str) -> Sequences:
        """All that the dataset knows of one user.

        Raises:
            RunError: the dataset does not know the user.
        """
        places = np.flatnonzero((self._sequences.users == user).to_numpy())
        if not len(places):
            raise RunError(
                f"user {user!r} is not in {self.work.dataset.folder}; "
                f"its users are called like {self._sequences.users[0]!r}"
            )
        return self._sequences.take(places[:1])

    def neighbours_of(self, history: Sequences) -> pl.DataFrame:
        """Users similar to one, as the collab stage finds them."""
        return find_neighbours(
            self._base,
            encode_histories(self.encoder, history),
            history.users,
            history.lengths,
            self.work.dataset.item_ids,
            self.work.config.collab.neighbours,
            self.work.config.collab.next_items,
        )

    def name(self, code: int) -> str:
        """An item's title, its id where it has none."""
        return self.work.dataset.title(code) or str(self.work.dataset.item_ids[code])

    def _retrieved(self, history: Sequences) -> list[int]:
        config, item_ids = self.work.config, self.work.dataset.item_ids
        everything = np.ones(self.work.dataset.n_items, dtype=np.bool_)
        # Nothing is held out here: there is no answer to look at, and all items may come next.
        nothing = np.zeros(1, dtype=np.int32)
        queries = Queries(history, nothing, nothing[:, None], everything)
        found = retrieve(self.encoder, self.words, queries, item_ids, config.recommender.retrieved)
        return next(iter(retrieved_items(found, item_ids).values()), [])

    def _explained(
        self, code: int, score: float, latest: Sequence[int], neighbours: pl.DataFrame
    ) -> Recommendation:
        item_id = self.work.dataset.item_ids[code]
        known = [set(self.words[other].split()) for other in latest]
        shared = {word: sum(word in words for words in known) for word in self.words[code].split()}
        chosen = neighbours.filter(pl.col("next_items").list.contains(item_id))
        return Recommendation(
            item_id=item_id,
            title=self.work.dataset.title(code),
            gist=self.words[code],
            probability=1.0 / (1.0 + float(np.exp(-score))),
            shared_words={word: n for word, n in shared.items() if n},
            chosen_by=tuple(chosen["neighbour"]),
        )


def _refuse_other_settings(run: Path, stage: str, settings: BaseModel) -> None:
    # Read as settings, so that one which came with a later gistrec is the default on both sides.
    if type(settings).model_validate(read_manifest(run / stage).config) != settings:
        raise RunError(
            f"stage {stage!r} was made with other settings than {run / schema.CONFIG_FILE} says: "
            "give the `gistrec run` command again"
        )
