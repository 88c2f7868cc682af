"""Supervised question-and-answer lessons: the loss is on the answer only."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import PADDING, PREFIX, Row, Tokens, block_mask, pack

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
        features: [images, tokens an image, d], for the batch's images in order; None without.
    """
    rows = [Row(lesson.question, (lesson.answer,)) for lesson in lessons]
    packed = pack(rows, backbone.pad_id).to(backbone.device)
    # An answer's first token is predicted by the question's last, so a row is one causal text.
    hidden = backbone.model.model.text_model(
        inputs_embeds=backbone.embed(packed.ids, features),
        attention_mask=block_mask(packed.branch),
        position_ids=packed.positions,
        use_cache=False,
    ).last_hidden_state
    targets = packed.ids.masked_fill(
        (packed.branch == PREFIX) | (packed.branch == PADDING), IGNORED
    )[:, 1:]
    asked = targets != IGNORED
    logits = backbone.model.lm_head(hidden[:, :-1][asked])
    return functional.cross_entropy(logits.float(), targets[asked])
