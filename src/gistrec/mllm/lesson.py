"""Supervised question-and-answer lessons: the loss is on the answer only."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import PADDING, PREFIX, Row, Tokens


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
    logits, targets, _ = answer_logits(backbone, lessons, features)
    return functional.cross_entropy(logits, targets)


def mean_log_probs(
    backbone: Backbone, lessons: Sequence[Lesson], features: torch.Tensor | None
) -> torch.Tensor:
    """Mean log-probability of the tokens of each lesson's answer, float32 [n].

    Args:
        backbone: the model that is asked.
        lessons: the batch; every answer has a token.
        features: [k, tokens, d], of the batch's images in order; None without.
    """
    logits, targets, row = answer_logits(backbone, lessons, features)
    said = -functional.cross_entropy(logits, targets, reduction="none")
    sums = torch.zeros(len(lessons), device=said.device).index_add(0, row, said)
    return sums / torch.bincount(row, minlength=len(lessons))


def answer_logits(
    backbone: Backbone, lessons: Sequence[Lesson], features: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of all answers' tokens, lesson by lesson: logits [t, v], the tokens [t], whose they are [t].

    An answer's first token is predicted by the question's last, so a row is one causal text.
    """
    packed = backbone.pack([Row(lesson.question, (lesson.answer,)) for lesson in lessons])
    hidden = backbone.hidden(packed, features)
    asked = ((packed.branch != PREFIX) & (packed.branch != PADDING))[:, 1:]
    return backbone.logits(hidden[:, :-1][asked]), packed.ids[:, 1:][asked], asked.nonzero()[:, 0]
