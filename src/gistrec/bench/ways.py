"""The ways to score a user's candidates, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from gistrec.bench.causal import score_plainly, score_separately
from gistrec.bench.published import BATCH, score_as_published
from gistrec.bench.workload import Workload
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import score_rows

Other = Literal["one-batch", "one-by-one", "published", "plain-forward"]
OTHERS: tuple[Other, ...] = get_args(Other)
_LEAST = 2  # a batch of fewer would be none


@dataclass(frozen=True)
class Room:
    """How many pairs may be run: within the time for one run, and in memory at once."""

    in_time: int
    in_memory: int


@dataclass(frozen=True)
class Way:
    """A way to score a workload's candidates.

    Attributes:
        score: yes-minus-no of the first ``pairs`` candidates; float32, on the CPU.
        pairs: all candidates, or a sample of them.
        batch: pairs run at once.
        tokens: of the language model for all candidates.
        users: whose candidates one call scores; all have the same.
    """

    score: Callable[[], torch.Tensor]
    pairs: int
    batch: int
    tokens: int
    users: int = 1


def ours(backbone: Backbone, work: Workload, chunk_tokens: int, users: int = 1) -> Way:
    """Score as gistrec does: a packed row a user, or prefixes first and candidates behind them."""
    rows = [work.row] * users

    def score() -> torch.Tensor:
        return score_rows(backbone, rows, work.features, chunk_tokens=chunk_tokens)[0]

    count = len(work.row.branches)
    return Way(score, count, count, len(work.row), users)


def other(
    name: Other,
    backbone: Backbone,
    work: Workload,
    room: Room,
    answer_tokens: int,
    users: int = 1,
) -> Way:
    """What gistrec's own is held against; those that take a prompt a pair may run a sample.

    A plain forward is run over as many users as ours at once, the other ways over one: for them
    candidates alone make a batch, of whatever size they are best at.
    """
    count = len(work.row.branches)
    if name == "plain-forward":
        return Way(
            lambda: score_plainly(backbone, [work.row] * users, work.features),
            count,
            count,
            len(work.row),
            users,
        )
    pairs = max(1, min(count, room.in_time))
    tokens = count * work.prompt_tokens
    if name == "published":
        if pairs < count:  # whole batches
            pairs = min(count, max(BATCH, pairs // BATCH * BATCH))
        prompts, shown = work.prompts[:pairs], work.prepared[:pairs]
        return Way(
            lambda: score_as_published(backbone, prompts, shown, answer_tokens),
            pairs,
            BATCH,
            tokens + count * (answer_tokens - 1),
        )
    if name == "one-batch":
        pairs = min(count, max(_LEAST, pairs))
    prompts = work.prompts[:pairs]
    batch = max(1, min(pairs, room.in_memory)) if name == "one-batch" else 1
    return Way(
        lambda: score_separately(backbone, prompts, work.features, batch), pairs, batch, tokens
    )
