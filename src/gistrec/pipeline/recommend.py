"""Recommendations from a finished run: retrieve, score, and say what they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.collab.candidates import RETRIEVAL_NEIGHBOURS, candidates_of
from gistrec.collab.item_vectors import tfidf_vectors
from gistrec.data.path import EvidencePath
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.pipeline.answer import Answer, as_recommendation
from gistrec.pipeline.evidence import OpenEvidence, open_evidence
from gistrec.pipeline.manifest import find_manifest
from gistrec.pipeline.recommender import Recommender, open_recommender
from gistrec.pipeline.users import RunUsers, refuse_other_settings
from gistrec.recommender.explain import Explanation, shared_words
from gistrec.recommender.known import Known
from gistrec.recommender.left_out import LeftOut, leave_each_out
from gistrec.recommender.nearby import nearby_items


@dataclass(frozen=True, eq=False)
class Recommendations(RunUsers):
    """A finished run, open for questions."""

    recommender: Recommender

    @classmethod
    def open(cls, run: Path) -> "Recommendations":
        """Open a run of a system that recommends.

        Raises:
            RunError: the run is unfinished, or its system is a baseline alone.
        """
        users = RunUsers.open(run)
        work, words = users.work, users.words
        refuse_other_settings(run, "backbone", work.config.backbone.deciding())
        refuse_other_settings(run, "recommender", work.config.recommender.deciding())
        recommender = open_recommender(work, run / "recommender", run / "backbone", words)
        return cls(work, users.encoder, words, users.split, recommender)

    @cached_property
    def _evidence(self) -> OpenEvidence | None:
        """What the log says of a user and an item; None where the run did not ask it."""
        stands = find_manifest(self.work.run / "evidence") is not None
        if not (self.work.config.evidence.kinds and stands):
            return None
        return open_evidence(self.work, self.split)

    def recommend(self, user: str, k: int = 10, why: bool = True) -> Answer:
        """The ``k`` best items for all that the dataset knows of a user.

        Args:
            user: an id of the dataset.
            k: how many items, at most.
            why: whether the model is asked again without each item of the history.

        Raises:
            RunError: the dataset does not know the user, or they have had every item.
        """
        history = self.history_of(user)
        candidates = self._retrieved(history)
        if not candidates:
            raise RunError(f"user {user!r} has had every item: nothing is left to recommend")
        neighbours = self.neighbours_of(history)
        known = Known(nearby_items(neighbours, self.work.dataset.item_ids))
        scores = self.recommender.ranker(known).score_lists(history, [candidates])[0]
        best = np.argsort(-scores, kind="stable")[:k].tolist()
        chosen = [candidates[place] for place in best]
        left_out: Sequence[tuple[LeftOut, ...] | None] = [None] * len(chosen)
        if why:
            model = self.recommender
            left_out = leave_each_out(
                model.backbone, model.prompter, model.features, known, history, chosen
            )
        items = [
            as_recommendation(
                self.work.dataset,
                self.words,
                float(scores[place]),
                self._explained(code, history, neighbours, less),
            )
            for place, code, less in zip(best, chosen, left_out, strict=True)
        ]
        shown = tuple(self.name(code) for code in self._latest(history))
        return Answer(user_id=user, history=shown, items=tuple(items))

    def _retrieved(self, history: Sequences) -> list[int]:
        dataset = self.work.dataset
        found = candidates_of(
            self.encoder,
            tfidf_vectors(self.words),
            history,
            np.ones(dataset.n_items, dtype=np.bool_),  # nothing is held out here
            dataset.item_ids,
            self.work.config.recommender.retrieved,
            self.neighbours_of(history, RETRIEVAL_NEIGHBOURS),
        )
        codes: list[int] = found.union[0].tolist()
        return codes

    def _latest(self, history: Sequences) -> list[int]:
        latest: list[int] = history[0][-self.work.config.recommender.history :].tolist()
        return latest

    def _explained(
        self,
        item: int,
        history: Sequences,
        neighbours: pl.DataFrame,
        left_out: tuple[LeftOut, ...] | None,
    ) -> Explanation:
        item_ids = self.work.dataset.item_ids
        chosen = pl.col(schema.NEXT_ITEMS).list.contains(item_ids[item])
        chosen_next = [
            code for codes in nearby_items(neighbours, item_ids).values() for code in codes
        ]
        paths: list[EvidencePath] = []
        if self._evidence is not None:
            paths = self._evidence.paths(history, item)
        return Explanation(
            item,
            shared_words(self.words, item, self._latest(history)),
            shared_words(self.words, item, chosen_next),
            tuple(neighbours.filter(chosen)[schema.NEIGHBOUR]),
            tuple(paths),
            left_out,
        )
