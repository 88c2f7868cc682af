"""Fine-tuning the recommender: one row a window, the loss on its candidates' answers.

Departures from MMSRARec 3.5:
1. Besides the paper's pairwise yes/no cross-entropy there is a listwise softmax over the
   candidates' yes-minus-no; both train on the packed row, prefix once.
2. Two kinds of task instead of the paper's several, both on the packed row: "does this come next?"
   for every candidate, and the history told token by token, each gist after the ones before it.
   Negatives are drawn anew each round.
3. The embedded backbone's language model is trained whole, without LoRA; the eyes of any backbone
   stay as they were, so that image features are computed once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.sequences import IntArray, Sequences
from gistrec.mllm.adapters import prepare_tuning, trainable_parameters
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Cuts, cuts_of
from gistrec.mllm.losses import candidate_loss
from gistrec.mllm.packing import PREFIX, Packed
from gistrec.mllm.scoring import hidden_states, yes_minus_no
from gistrec.mllm.training import Course, Lessons, Trained, train
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import say
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.windows import Windows, with_negatives

_ORDER_STREAM = 6103
_BUCKET = 50  # batches sorted by length together: less padding, order still random


@dataclass(frozen=True)
class TrainingSet:
    """What the recommender learns from.

    Attributes:
        log: the training log.
        windows_of: an epoch's windows.
        nearby: what similar users chose next, found out of fold.
    """

    log: Sequences
    windows_of: Callable[[int], Windows]
    nearby: Nearby

    def asked(self, windows: Windows) -> Iterator[tuple[list[int], Sequence[int]]]:
        """What is known of each window's user: the history so far, what similar users chose."""
        for row, moment in zip(windows.rows.tolist(), windows.moments.tolist(), strict=True):
            yield self.log[row][:moment].tolist(), self.nearby.get((self._users[row], moment), ())

    @cached_property
    def _users(self) -> list[str]:
        users: list[str] = self.log.users.to_list()
        return users


@dataclass(frozen=True)
class _Batch:
    windows: Windows
    candidates: IntArray  # [b, 1 + negatives]


def fine_tune(
    backbone: Backbone,
    prompter: Prompter,
    features: ImageFeatures,
    data: TrainingSet,
    config: RecommenderConfig,
    judge: Callable[[], float] | None,
    checkpoint: Path | None,
    key: str,
) -> Trained:
    """Train the backbone's language model, or adapters on it, to say yes to what comes next.

    Args:
        backbone: what is trained, in place.
        prompter: builds the rows, here as when ranking.
        features: the catalogue's images, seen once.
        data: windows, out-of-fold neighbours.
        config: loss, rounds, rates, and what of the model is trained.
        judge: a validation metric, higher is better; the best epoch is kept.
        checkpoint: folder where the training is saved and resumed; see ``gistrec.mllm.training``.
        key: stands for everything that decides the result.
    """
    known = np.unique(data.log.items).astype(np.int64)

    def batches(epoch: int) -> list[_Batch]:
        windows = data.windows_of(epoch)
        candidates = with_negatives(
            data.log, windows, known, config.negatives, [config.seed, epoch]
        )
        order = batch_order(windows, config, epoch)
        return [_Batch(windows.take(places), candidates[places]) for places in order]

    def loss(batch: _Batch) -> torch.Tensor:
        rows = [
            prompter.row(history, nearby, candidates)
            for (history, nearby), candidates in zip(
                data.asked(batch.windows), batch.candidates.tolist(), strict=True
            )
        ]
        packed = backbone.pack(rows)
        hidden = hidden_states(backbone, packed, features)
        answers = hidden[packed.answers[:, 0], packed.answers[:, 1]]
        chosen = candidate_loss(yes_minus_no(backbone, answers).view(len(rows), -1), config.loss)
        if not config.gist_weight:
            return chosen
        return chosen + config.gist_weight * prefix_loss(backbone, packed, hidden)

    kind = prepare_tuning(backbone, config.tuning, config.seed)
    say(f"recommender: {kind} tuning of {trainable_parameters(backbone.model):,} parameters")
    course = Course(
        config.epochs,
        config.learning_rate,
        warmup=0.05,
        precision=config.precision,
        accumulation=config.accumulation,
        checkpoint_seconds=config.checkpoint_seconds,
        seed=config.seed,
    )
    lessons = Lessons("recommender", batches, loss, judge)
    return train(backbone.model, lessons, course, checkpoint, key)


def training_cuts(prompter: Prompter, data: TrainingSet, epochs: int) -> Cuts:
    """What the prompts of a whole training leave out; a window counts in each epoch it is in."""
    return cuts_of(
        prompter.plan(history, nearby)
        for epoch in range(epochs)
        for history, nearby in data.asked(data.windows_of(epoch))
    )


def prefix_loss(backbone: Backbone, packed: Packed, hidden: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each token of the shared prefix given those before it, a scalar.

    Most of the prefix is gists, each the next item's after the ones before it.

    Args:
        backbone: whose language head predicts.
        packed: the batch.
        hidden: its last-layer states, [b, s, d].
    """
    told = (packed.branch[:, :-1] == PREFIX) & (packed.branch[:, 1:] == PREFIX)
    logits = backbone.logits(hidden[:, :-1][told])
    return functional.cross_entropy(logits, packed.ids[:, 1:][told])


def batch_order(
    windows: Windows, config: RecommenderConfig, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Places of the windows of each batch: random, with histories of like length together."""
    rng = np.random.default_rng([config.seed, _ORDER_STREAM, epoch])
    order = rng.permutation(len(windows))
    shown = np.minimum(windows.moments, config.history)
    size, stretch = config.batch_size, config.batch_size * _BUCKET
    batches = []
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        part = part[np.argsort(shown[part], kind="stable")]
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    return [batches[place] for place in rng.permutation(len(batches))]
