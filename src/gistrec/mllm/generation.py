"""Answers in words: batched, sorted by length, padded on the left, greedy."""

from collections.abc import Iterator, Sequence

import torch

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.images import ImageFeatures
from gistrec.mllm.packing import Tokens


def batches_by_length(questions: Sequence[Tokens], size: int) -> list[list[int]]:
    """Rows of ``questions`` in batches of like length, longest first."""
    order = sorted(range(len(questions)), key=lambda row: -len(questions[row].ids))
    return [order[start : start + size] for start in range(0, len(order), size)]


@torch.no_grad()
def generate(
    backbone: Backbone,
    questions: Sequence[Tokens],
    features: ImageFeatures,
    max_new_tokens: int,
    batch_size: int = 128,
) -> Iterator[tuple[int, str]]:
    """Yield (row, answer) for every question, batch by batch, without special tokens."""
    for rows in batches_by_length(questions, batch_size):
        asked = [questions[row] for row in rows]
        width = max(len(tokens.ids) for tokens in asked)
        ids = torch.full((len(asked), width), backbone.pad_id, dtype=torch.long)
        seen = torch.zeros_like(ids)
        for place, tokens in enumerate(asked):
            ids[place, width - len(tokens.ids) :] = torch.tensor(tokens.ids)
            seen[place, width - len(tokens.ids) :] = 1
        codes = [code for tokens in asked for code in tokens.images]
        ids = ids.to(backbone.device)
        answers = backbone.model.generate(
            inputs_embeds=backbone.embed(ids, features.of(codes, backbone.device)),
            attention_mask=seen.to(backbone.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=backbone.end_id,
            pad_token_id=backbone.pad_id,
        )
        words = backbone.processor.tokenizer.batch_decode(answers, skip_special_tokens=True)
        yield from zip(rows, words, strict=True)
