"""The kinds of task mixed: batches of one kind each, in random order."""

from collections import Counter

import numpy as np

from gistrec.recommender.tasks.alignment import Alignment
from gistrec.recommender.tasks.choice import Choice
from gistrec.recommender.tasks.kind import Batch, Kind, Material
from gistrec.recommender.tasks.next_gist import NextGist
from gistrec.recommender.tasks.yes_no import YesNo

_STREAM = 6108


class Mix:
    """All kinds that have a weight."""

    def __init__(self, material: Material) -> None:
        """Look what each kind needs; no prompt is built.

        Raises:
            ConfigError: prompts of a kind have no room; says what to set.
        """
        weights = material.config.tasks
        self._seed = material.config.seed
        self._kinds: list[Kind] = [YesNo(material)]
        if weights.choice:
            self._kinds.append(Choice(material))
        if weights.next_gist:
            self._kinds.append(NextGist(material))
        if weights.alignment:
            self._kinds.append(Alignment(material))

    def batches(self, epoch: int) -> list[Batch]:
        """An epoch's; what they ask about is drawn anew in each, how many there are is not."""
        made = [kind.batches(epoch) for kind in self._kinds]
        turns = np.repeat(np.arange(len(made)), [len(batches) for batches in made])
        np.random.default_rng([self._seed, _STREAM, epoch]).shuffle(turns)
        following = [iter(batches) for batches in made]
        return [next(following[turn]) for turn in turns.tolist()]

    def examples(self) -> dict[str, int]:
        """How many examples of each kind there are in an epoch."""
        counts: Counter[str] = Counter()
        for batch in self.batches(0):
            counts[batch.kind] += batch.examples
        return dict(counts)
