"""How likely each token of an answer was, and how open the choice."""

from collections.abc import Sequence

import torch

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import spoken
from gistrec.mllm.lesson import Lesson, answer_logits
from gistrec.mllm.packing import Tokens
from gistrec.mllm.vision.features import ImageFeatures


def token_scores(
    backbone: Backbone,
    questions: Sequence[Tokens],
    answers: Sequence[Sequence[int]],
    features: ImageFeatures,
    temperature: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of the answers' tokens, and entropies, float32 [t] each, answer by answer.

    Args:
        backbone: who is asked.
        questions: whole prompts.
        answers: token ids of an answer to each, at least one.
        features: of the images in the questions.
        temperature: what logits are divided by, as they were when the answers were drawn.
    """
    lessons = [
        Lesson(question, Tokens(tuple(answer)))
        for question, answer in zip(questions, answers, strict=True)
    ]
    codes = [code for question in questions for code in question.codes]
    logits, ids, _ = answer_logits(backbone, lessons, features.of(codes, backbone.device))
    shares = torch.log_softmax(spoken(backbone, logits / temperature), dim=-1)
    said = shares.gather(1, ids[:, None])[:, 0]
    return said, -(shares.detach().exp() * shares.detach()).sum(dim=-1)
