"""How the model's score moves when one item of the history is left out of its prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.known import Known
from gistrec.recommender.profile import Profile
from gistrec.recommender.prompter import Prompter

MOST = 12


@dataclass(frozen=True)
class LeftOut:
    """A candidate's score with and without one item of the history; log p(yes) - log p(no).

    Attributes:
        item: code of the item that was left out.
        score: with the whole prompt.
        without: with the same prompt less the item's entries.
    """

    item: int
    score: float
    without: float

    @property
    def fall(self) -> float:
        """How much lower the score is without the item; below 0 where it rises."""
        return self.score - self.without


def leave_each_out(
    backbone: Backbone,
    prompter: Prompter,
    features: ImageFeatures,
    known: Known,
    history: Sequences,
    candidates: Sequence[int],
) -> list[tuple[LeftOut, ...]]:
    """For each candidate, the items its prompt shows of the history, by the fall without each.

    All prompts are scored together: the whole one, and one for each item shown. What the prompt
    does not show of the history stays so, and similar users stay as they are; evidence and taste
    are told anew of the history without the item. Where a taste is told, which rests on the whole
    history, the latest ``MOST`` items are left out in turn.

    Args:
        backbone: what scores.
        prompter: how it is asked.
        features: the catalogue's images.
        known: what its prompts are made of.
        history: of one user.
        candidates: item codes.
    """
    (profile,) = known.profiles(history)
    plan = prompter.plan(profile)
    codes, near = profile.history, profile.nearby[: plan.neighbours]
    shown = codes[len(codes) - plan.history :]
    told_of = shown if known.taste_of is None else codes[-max(plan.history, MOST) :]
    items = list(dict.fromkeys(told_of))
    histories = _histories(history, items)
    lines = known.tell(histories, [candidates] * len(histories)) if known.tell else None
    tastes = known.taste_of(histories) if known.taste_of else None
    rows = [
        prompter.row(
            Profile(entries, near, tastes[place] if tastes else ""),
            candidates,
            lines[place] if lines else None,
        )
        for place, entries in enumerate([shown, *(_less(shown, item) for item in items)])
    ]
    whole, *without = (scores.tolist() for scores in score_rows(backbone, rows, features))
    found = [
        [LeftOut(item, score, less[place]) for item, less in zip(items, without, strict=True)]
        for place, score in enumerate(whole)
    ]
    return [tuple(sorted(each, key=lambda one: -one.fall)) for each in found]


def _histories(history: Sequences, items: Sequence[int]) -> Sequences:
    """The whole history of one user, then the same without each of ``items``."""
    kept = [np.full(len(history[0]), fill_value=True), *(history[0] != item for item in items)]
    place = np.concatenate([np.flatnonzero(keep) for keep in kept])
    offsets = np.concatenate([[0], np.cumsum([keep.sum() for keep in kept])]).astype(np.int64)
    return Sequences(
        history.users.gather([0] * len(kept)),
        offsets,
        history.items[place],
        history.timestamps[place],
    )


def _less(entries: Sequence[int], item: int) -> list[int]:
    return [entry for entry in entries if entry != item]
