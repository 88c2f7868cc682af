"""Supervised question-and-answer lessons: the loss is on the answer only."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import PADDING, PREFIX, Row, Tokens

IGNORED = -100


@dataclass(frozen=True)
class Lesson:
    """A question in its chat frame, and the answer that is to follow."""

    question: Tokens
    answer: Tokens


def lesson_loss(
    backbone: Backbone, lessons: Sequence[Lesson], features: torch.Tensor | None
) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens, a scalar.

    Args:
        backbone: the model that is asked.
        lessons: the batch.
        features: [k, tokens, d], of the batch's images in order; None without.
    """
    rows = [Row(lesson.question, (lesson.answer,)) for lesson in lessons]
    packed = backbone.pack(rows)
    # An answer's first token is predicted by the question's last, so a row is one causal text.
    hidden = backbone.hidden(packed, features)
    targets = packed.ids.masked_fill(
        (packed.branch == PREFIX) | (packed.branch == PADDING), IGNORED
    )[:, 1:]
    asked = targets != IGNORED
    logits = backbone.logits(hidden[:, :-1][asked])
    return functional.cross_entropy(logits, targets[asked])
