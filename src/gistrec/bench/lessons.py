"""The losses that are trained on: a packed row's, and that of a prompt for each pair."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch.nn import functional

from gistrec.bench.causal import separate_states
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.losses import candidate_loss
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.scoring import answer_states, yes_minus_no
from gistrec.mllm.vision.features import ImageFeatures


def row_loss(
    backbone: Backbone,
    rows: Sequence[Row],
    features: ImageFeatures,
    kind: Literal["pairwise", "listwise"],
) -> torch.Tensor:
    """Of packed rows whose first candidate is the positive, a scalar."""
    answers = yes_minus_no(backbone, answer_states(backbone, rows, features))
    return candidate_loss(answers.view(len(rows), -1), kind)


def pairs_loss(
    backbone: Backbone,
    prompts: Sequence[Tokens],
    features: ImageFeatures,
    first: int,
    negatives: int,
) -> torch.Tensor:
    """The part that some prompts have in the pairwise loss of one row, a scalar.

    The cross-entropy of the right answer, yes for the positive and no for a negative; the positive
    weighs as much as all negatives together. Over all prompts of a row it adds up to
    ``row_loss(..., "pairwise")``.

    Args:
        backbone: what is trained.
        prompts: whole ones, next to one another in their row.
        features: of their images.
        first: which candidate of the row the first of them is; candidate 0 is the positive.
        negatives: of the row.
    """
    logits = yes_minus_no(backbone, separate_states(backbone, prompts, features))
    positive = torch.arange(first, first + len(prompts), device=logits.device) == 0
    weights = torch.where(positive, 0.5, 0.5 / negatives)
    return (weights * functional.softplus(torch.where(positive, -logits, logits))).sum()
