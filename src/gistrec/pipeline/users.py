"""The users of a finished run: their histories, and whom they resemble."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.collab.knowledge_base import KnowledgeBase, build_knowledge_base, encode_histories
from gistrec.collab.neighbours import find_neighbours
from gistrec.data.sequences import Sequences
from gistrec.data.split import Split
from gistrec.data.split_store import load_split
from gistrec.errors import RunError
from gistrec.pipeline.baselines import open_encoder
from gistrec.pipeline.collab import collab_settings
from gistrec.pipeline.gist.stage import read_gists
from gistrec.pipeline.gist.tuning import GIST_TUNING
from gistrec.pipeline.run import open_run
from gistrec.pipeline.states import refuse_stale
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.gists import gist_texts
from gistrec.sequence.model import SequenceModel


@dataclass(frozen=True, eq=False)
class RunUsers:
    """A finished run, open for questions about its users.

    Attributes:
        encoder: what finds similar users.
        words: each item's gist, in catalogue order; its title where it has none.
    """

    work: Workplace
    encoder: SequenceModel
    words: list[str]
    split: Split

    @classmethod
    def open(cls, run: Path) -> "RunUsers":
        """Open a run of a system that recommends.

        Raises:
            RunError: the run is unfinished or to be run again, or its system is a baseline alone.
        """
        work, _ = open_run(run)
        if not work.config.recommends:
            raise RunError(f"{run} holds baselines only; run a system such as mmsrarec")
        gist, data = work.config.gist, {"dataset": work.dataset.fingerprint}
        refuse_stale(run, "split", work.config.split, data)
        if tuned := gist.tuning.kind != "none":
            refuse_stale(run, GIST_TUNING, gist.deciding_tuning(), data)
        refuse_stale(run, "gist", gist.deciding(), data, reads={GIST_TUNING: tuned})
        refuse_stale(run, "collab", collab_settings(work.config))
        words = gist_texts(read_gists(run / "gist"), work.titles)
        encoder = open_encoder(run, work.config.collab.encoder)
        return cls(work, encoder, words, load_split(run / "split", work.dataset))

    @cached_property
    def base(self) -> KnowledgeBase:
        """The training users that are searched."""
        config = self.work.config.collab
        return build_knowledge_base(self.encoder, self.split.train, config.max_moments, config)

    @cached_property
    def _sequences(self) -> Sequences:
        return self.work.dataset.sequences()

    def some_user(self) -> str:
        """A user that the model was not trained on, where there is one."""
        trained = set(self.split.train.users)
        users: list[str] = self._sequences.users.to_list()
        return next((user for user in users if user not in trained), users[0])

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

    def neighbours_of(self, history: Sequences, k: int | None = None) -> pl.DataFrame:
        """Users similar to one, as the collab stage finds them; by default as many."""
        return find_neighbours(
            self.base,
            encode_histories(self.encoder, history),
            history.users,
            history.lengths,
            self.work.dataset.item_ids,
            self.work.config.collab.neighbours if k is None else k,
            self.work.config.collab.next_items,
        )

    def name(self, code: int) -> str:
        """An item's title; its id where it has none, and both where another is called the same."""
        dataset = self.work.dataset
        title, item = dataset.title(code), str(dataset.item_ids[code])
        if not title:
            return item
        return f"{title} ({item})" if self._namesakes[code] else title

    def gist(self, code: int) -> str:
        """An item's gist, "" where it has none and its title stands in for it."""
        return self._gists[code]

    @cached_property
    def _namesakes(self) -> pl.Series:
        """Bool [n_items], whether another item has the same title."""
        return self.work.dataset.items[schema.TITLE].is_duplicated()

    @cached_property
    def _gists(self) -> list[str]:
        nothing = [""] * self.work.dataset.n_items
        return gist_texts(read_gists(self.work.run / "gist"), nothing)
