"""Users' tastes told block by block, of many users together or of one at a time.

Where this departs from MLLM-MSR (arXiv 2408.09698), for equal work in both ways:
1. Tokens are random; every item's line and every taste has the same number of them, and no answer
   ends before it has all.
2. One user at a time too is answered by gistrec's own loop, not by the library's ``generate``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gistrec.bench.workload import ordinary_ids
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import answer_ids
from gistrec.mllm.packing import Tokens
from gistrec.mllm.vision.features import ImageFeatures

QUESTION_TOKENS = 24  # of the words around the taste so far and the block
_NO_TOKEN = -1
_SEED = 1
Taste = tuple[int, ...]


@dataclass(frozen=True)
class TasteShape:
    """How long histories and tastes are.

    Attributes:
        users: all with the same number of items.
        history: items of a user.
        block: items of a block.
        item: tokens of an item's line.
        taste: tokens of a taste.
    """

    users: int
    history: int
    block: int
    item: int
    taste: int

    @property
    def steps(self) -> int:
        """Blocks of a history; the last may be shorter."""
        return -(-self.history // self.block)


@dataclass(frozen=True, eq=False)
class Histories:
    """What tastes are told from.

    Attributes:
        shape: of all that follows.
        blocks: token ids of each user's blocks, oldest first.
        stored: each user's taste before the last block; empty where there is one block alone.
        question: token ids of the words around taste and block.
        words: ids of all tokens that stand for words.
    """

    shape: TasteShape
    blocks: tuple[tuple[tuple[int, ...], ...], ...]
    stored: tuple[Taste, ...]
    question: tuple[int, ...]
    words: frozenset[int]


def make_histories(backbone: Backbone, shape: TasteShape) -> Histories:
    """Draw the tokens of histories, always the same for the same backbone and shape.

    Raises:
        ConfigError: a block's question with its answer is longer than the backbone reads.
    """
    frame = len(backbone.before) + QUESTION_TOKENS + len(backbone.after)
    block = min(shape.block, shape.history)
    longest = frame + 2 * shape.taste + block * shape.item
    if longest > backbone.context:
        raise ConfigError(
            f"a block of {block} items of {shape.item} tokens and a taste of {shape.taste} "
            f"tokens before and behind it make {longest} tokens, more than the {backbone.context} "
            "that the backbone reads: ask for smaller blocks, or for fewer tokens"
        )
    rng = np.random.default_rng([_SEED, shape.history, shape.block, shape.item, shape.taste])
    words = ordinary_ids(backbone)

    def drawn(count: int) -> tuple[int, ...]:
        return tuple(rng.choice(words, count).tolist())

    question = drawn(QUESTION_TOKENS)
    starts = range(0, shape.history, shape.block)
    sizes = [min(shape.block, shape.history - start) for start in starts]
    blocks = tuple(tuple(drawn(size * shape.item) for size in sizes) for _ in range(shape.users))
    before = shape.taste if shape.steps > 1 else 0
    stored = tuple(drawn(before) for _ in range(shape.users))
    return Histories(shape, blocks, stored, question, frozenset(words))


def tell_tastes(
    backbone: Backbone, histories: Histories, users: Sequence[int], first: int = 0
) -> list[Taste]:
    """The tastes of ``users``, who advance together, as token ids.

    Args:
        backbone: who is asked.
        histories: of all users.
        users: whose tastes are told, in one batch.
        first: the block to begin with; before another than the first block the stored tastes hold.
    """
    shape = histories.shape
    # Random weights may end an answer anywhere; no token has this number.
    endless = replace(backbone, end_ids=(_NO_TOKEN,))
    nothing = ImageFeatures.none(0)
    tastes: list[Taste] = [histories.stored[user] if first else () for user in users]
    for step in range(first, shape.steps):
        asked = [
            Tokens(
                (
                    *backbone.before,
                    *tastes[place],
                    *histories.question,
                    *histories.blocks[user][step],
                    *backbone.after,
                )
            )
            for place, user in enumerate(users)
        ]
        for place, ids in answer_ids(endless, asked, nothing, shape.taste):
            # A mark among the words of a prompt would be read as an image's, or a turn's.
            tastes[place] = tuple(
                token if token in histories.words else histories.question[0] for token in ids
            )
    return tastes
