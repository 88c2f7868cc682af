"""The fine-tuned model on a server as a ranker: a prompt a candidate, every answer kept."""

from collections.abc import Sequence

import numpy as np

from gistrec.data.ranker import Scores
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.engines.server_scoring import Scored, ServerScorer
from gistrec.mllm.engines.spelling import spelled
from gistrec.recommender.known import Known
from gistrec.recommender.lists import ListRanker
from gistrec.recommender.prompter import Prompter


class ServedRanker(ListRanker):
    """Scores the prompts of ``MllmRanker`` on a server."""

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        prompter: Prompter,
        scorer: ServerScorer,
        journal: Journal[Scored],
        known: Known,
        n_items: int,
    ) -> None:
        """Put a ranker together.

        Args:
            name: how leaderboards call it.
            backbone: the same model here, for how it reads texts.
            prompter: how it is asked.
            scorer: who is asked.
            journal: answers that are there already, and where those that come are put.
            known: what its prompts are made of.
            n_items: size of the catalogue.
        """
        super().__init__(name, prompter, known, n_items)
        self._backbone = backbone
        self._scorer = scorer
        self._journal = journal
        self.read_otherwise = 0  # prompts in which the server counted other tokens

    def _score_lists(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """As ``score_lists``.

        Raises:
            EngineError: the server does not answer; what it has answered is kept.
            DataError: an image cannot be read.
        """
        journal, prompter = self._journal, self._prompter
        keys: list[list[str]] = []
        questions: dict[str, Question] = {}
        lengths: dict[str, int] = {}
        moments = histories.lengths.tolist()
        told = self._told(histories, asked)
        for place, profile in enumerate(self._known.profiles(histories)):
            whose = f"{moments[place]} {histories.users[place]}"
            keys.append([f"{code} {whose}" for code in asked[place]])
            lines = told[place]
            row = prompter.row(profile, asked[place], lines)
            shown = lines or [""] * len(asked[place])
            for key, code, branch, line in zip(
                keys[-1], asked[place], row.branches, shown, strict=True
            ):
                lengths[key] = len(row.prefix.ids) + len(branch.ids)
                if key not in journal:
                    segments = prompter.segments(profile, code, line)
                    questions[key] = Question(spelled(self._backbone, segments))
        missing = list(questions)
        for number, found in self._scorer.each(list(questions.values())):
            journal.add(missing[number], found)
        self.read_otherwise += sum(
            journal[key].tokens not in (None, length) for key, length in lengths.items()
        )
        return [np.array([journal[key].score for key in row], dtype=np.float32) for row in keys]
