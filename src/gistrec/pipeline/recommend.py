"""Recommendations from a finished run: retrieve, score, and say what they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.collab.candidates import RETRIEVAL_NEIGHBOURS, candidates_of
from gistrec.collab.item_vectors import tfidf_vectors
from gistrec.data.path import EvidencePath
from gistrec.data.ranker import Scores
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.pipeline.answer import Answer, as_recommendation
from gistrec.pipeline.evidence import (
    OpenEvidence,
    evidence_settings,
    open_evidence,
    told_inputs,
)
from gistrec.pipeline.fusion import open_fused
from gistrec.pipeline.recommender import Recommender, open_recommender, recommender_stage_name
from gistrec.pipeline.states import refuse_stale
from gistrec.pipeline.taste.stage import TASTE, LiveTastes
from gistrec.pipeline.taste.steps import TasteStep, open_tastes, tastes_over_time
from gistrec.pipeline.transfer import taken_now
from gistrec.pipeline.users import RunUsers
from gistrec.progress import say
from gistrec.recommender.explain import Explanation, held_words, shared_words
from gistrec.recommender.known import Known
from gistrec.recommender.left_out import MOST, LeftOut, leave_each_out
from gistrec.recommender.nearby import nearby_items


@dataclass(frozen=True, eq=False)
class Recommendations(RunUsers):
    """A finished run, open for questions.

    Attributes:
        system: which of the run's systems answers.
        recommender: the model behind it.
        told: what the log says of a user and an item; None where the run does not ask it.
        tastes: None where prompts tell none.
    """

    system: str
    recommender: Recommender
    told: OpenEvidence | None
    tastes: LiveTastes | None

    @classmethod
    def open(cls, run: Path, system: str | None = None) -> "Recommendations":
        """Open a run of a system that recommends.

        Args:
            run: its folder.
            system: one of ``config.systems``; by default the last, which knows the most.

        Raises:
            RunError: the run is unfinished or to be run again, its system is a baseline alone, or
                it has no such one.
        """
        users = RunUsers.open(run)
        work, words = users.work, users.words
        data: dict[str, str | None] = {"dataset": work.dataset.fingerprint}
        seen = data | taken_now(work.config, "backbone")
        refuse_stale(run, "backbone", work.config.backbone.deciding(), seen)
        offered = work.config.systems
        system = offered[-1] if system is None else system
        if system not in offered:
            raise RunError(f"{run} has no system {system!r}; it has {', '.join(offered)}")
        told = None
        if work.config.evidence.kinds:
            refuse_stale(run, "evidence", evidence_settings(work.config.evidence), data)
            told = open_evidence(work, users.split)
        evidence = None if system == work.config.name else told
        stage = recommender_stage_name(evidence is not None)
        inputs = taken_now(work.config, stage)
        inputs |= told_inputs(work.config.evidence) if evidence else {}
        tastes = open_tastes(work, words)
        reads = {TASTE: tastes is not None}
        refuse_stale(run, stage, work.config.recommender.deciding(), inputs, reads)
        if system == work.config.fused:
            refuse_stale(run, "fusion", work.config.fusion)
        recommender = open_recommender(work, run / stage, run / "backbone", words, evidence)
        return cls(work, users.encoder, words, users.split, system, recommender, told, tastes)

    def known(self, neighbours: pl.DataFrame) -> Known:
        """What the model is told of users with these similar ones."""
        nearby = nearby_items(neighbours, self.work.dataset.item_ids)
        evidence = self.recommender.evidence
        return Known(
            nearby,
            tell=evidence.of_asked if evidence else None,
            taste_of=self.tastes.of_histories if self.tastes else None,
        )

    def _scores(
        self, known: Known, history: Sequences, candidates: list[int]
    ) -> tuple[Scores, Scores]:
        """What the system ranks by, and the model's own log p(yes) - log p(no)."""
        model = self.recommender.ranker(known)
        (own,) = model.score_lists(history, [candidates])
        if self.system != self.work.config.fused:
            return own, own
        fused = open_fused(self.work, self.split, self.work.run / "fusion", model)
        (scores,) = fused.score_lists(history, [candidates])
        return scores, own

    def recommend(self, user: str, k: int = 10, why: bool = True) -> Answer:
        """The ``k`` best items for all that the dataset knows of a user.

        Args:
            user: an id of the dataset.
            k: how many items, at most.
            why: whether the model is asked again without each item of the history.

        Raises:
            RunError: the dataset does not know the user, or they have had every item.
        """
        return self.recommend_after(self.history_of(user), k, why)

    def recommend_after(self, history: Sequences, k: int = 10, why: bool = True) -> Answer:
        """The ``k`` best items after a history, of one user; further arguments as ``recommend``.

        Raises:
            RunError: the user has had every item.
        """
        user = str(history.users[0])
        candidates = self._retrieved(history)
        if not candidates:
            raise RunError(f"user {user!r} has had every item: nothing is left to recommend")
        neighbours = self.neighbours_of(history)
        known = self.known(neighbours)
        scores, own = self._scores(known, history, candidates)
        best = np.argsort(-scores, kind="stable")[:k].tolist()
        chosen = [candidates[place] for place in best]
        steps = self._tastes_of(history)
        left_out: Sequence[tuple[LeftOut, ...] | None] = [None] * len(chosen)
        if why:
            model = self.recommender
            left_out = leave_each_out(
                model.backbone, model.prompter, model.features, known, history, chosen
            )
        items = [
            as_recommendation(
                self.work.dataset,
                self.gist(code),
                self.name,
                float(scores[place]),
                float(own[place]),
                self._explained(code, history, neighbours, less, steps),
            )
            for place, code, less in zip(best, chosen, left_out, strict=True)
        ]
        if len(items) < k:
            say(f"{len(items)} of {k} items: {self._why_no_more(user, history, candidates)}")
        shown = tuple(self.name(code) for code in self._latest(history))
        return Answer(
            user_id=user, system=self.system, history=shown, tastes=steps, items=tuple(items)
        )

    def _tastes_of(self, history: Sequences) -> tuple[TasteStep, ...] | None:
        """The user's taste over time; None where prompts tell none."""
        if self.tastes is None:
            return None
        (steps,) = tastes_over_time(self, self.tastes, [history[0].tolist()])
        return steps

    def _retrieved(self, history: Sequences) -> list[int]:
        dataset, config = self.work.dataset, self.work.config
        found = candidates_of(
            self.encoder,
            tfidf_vectors(self.words),
            history,
            np.ones(dataset.n_items, dtype=np.bool_),  # nothing is held out here
            dataset.item_ids,
            config.recommender.retrieved,
            self.neighbours_of(history, max(RETRIEVAL_NEIGHBOURS, config.collab.neighbours)),
        )
        codes: list[int] = found.union[0].tolist()
        return codes

    def _why_no_more(self, user: str, history: Sequences, candidates: list[int]) -> str:
        if len({*history[0].tolist(), *candidates}) == self.work.dataset.n_items:
            return f"user {user} has had all others"
        retrieved = self.work.config.recommender.retrieved
        return (
            f"no more was retrieved for user {user} (recommender.retrieved={retrieved} "
            "of each kind)"
        )

    def _latest(self, history: Sequences) -> list[int]:
        """Those that prompts show; beside a taste those that are left out of it in turn."""
        most = self.work.config.recommender.history
        most = most if self.tastes is None else max(most, MOST)
        codes: list[int] = history[0].tolist()
        return codes[max(len(codes) - most, 0) :]

    def _explained(
        self,
        item: int,
        history: Sequences,
        neighbours: pl.DataFrame,
        left_out: tuple[LeftOut, ...] | None,
        steps: Sequence[TasteStep] | None,
    ) -> Explanation:
        item_ids = self.work.dataset.item_ids
        chosen = pl.col(schema.NEXT_ITEMS).list.contains(item_ids[item])
        chosen_next = [
            code for codes in nearby_items(neighbours, item_ids).values() for code in codes
        ]
        taste = None if steps is None else "".join(step.taste for step in steps[-1:])
        paths: list[EvidencePath] = []
        if self.told is not None:
            paths = self.told.paths(history, item)
        return Explanation(
            item,
            shared_words(self.words, item, self._latest(history)),
            shared_words(self.words, item, chosen_next),
            tuple(neighbours.filter(chosen)[schema.NEIGHBOUR]),
            tuple(paths),
            left_out,
            taste,
            held_words(self.words[item], taste or ""),
        )
