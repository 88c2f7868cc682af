"""The published way to score: a whole prompt for each pair, its image seen again, an answer told.

Rebuilt from the descriptions of MLLM-MSR and MMSRARec: `generate` over full prompts in batches of
6, up to 30 new tokens, yes against no read off the first token's scores. Two departures, both in
its favour: images come decoded and resized, and a model that was taught to answer in one word ends
its answer there, so by default it stops after a word and the end.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Prepared
from gistrec.mllm.packing import Tokens, pack_prompts

BATCH = 6
MAX_NEW_TOKENS = 30
_TYPE_NAMES = ("mm_token_type_ids", "token_type_ids")


@dataclass(frozen=True)
class _AnswerEnds(StoppingCriteria):  # type: ignore[misc]  # the library is untyped
    """Stands in for the end token that random weights never say."""

    length: int

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        done = input_ids.shape[1] >= self.length
        return torch.full(input_ids.shape[:1], done, device=input_ids.device)


@torch.no_grad()
def score_as_published(
    backbone: Backbone,
    prompts: Sequence[Tokens],
    prepared: Sequence[Prepared],
    answer_tokens: int,
    batch: int = BATCH,
) -> torch.Tensor:
    """Yes-minus-no of each prompt's first answer token: float32 [n], on the CPU.

    Args:
        backbone: whose model; its own `generate` runs.
        prompts: whole ones.
        prepared: each prompt's image; empty without images.
        answer_tokens: where answers end, at most ``MAX_NEW_TOKENS``.
        batch: prompts at once.
    """
    scores = []
    for start in range(0, len(prompts), batch):
        part = slice(start, start + batch)
        scores.append(_score(backbone, prompts[part], prepared[part], answer_tokens))
    return torch.cat(scores)


def _score(
    backbone: Backbone, prompts: Sequence[Tokens], prepared: Sequence[Prepared], answer_tokens: int
) -> torch.Tensor:
    packed = pack_prompts(prompts, backbone.layout).to(backbone.device)
    settings = GenerationConfig(
        max_new_tokens=MAX_NEW_TOKENS,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        pad_token_id=backbone.pad_id,
        eos_token_id=list(backbone.end_ids),
    )
    ends = _AnswerEnds(packed.ids.shape[1] + answer_tokens)
    found = backbone.model.generate(
        input_ids=packed.ids,
        attention_mask=(packed.branch > 0).long(),
        generation_config=settings,
        stopping_criteria=StoppingCriteriaList([ends]),
        **_types(backbone, packed.ids),
        **vision_inputs(backbone, prepared),
    )
    first = found.logits[0].float()
    yes, no = first[:, list(backbone.yes_ids)], first[:, list(backbone.no_ids)]
    return (yes.logsumexp(-1) - no.logsumexp(-1)).cpu()


def vision_inputs(backbone: Backbone, prepared: Sequence[Prepared]) -> dict[str, torch.Tensor]:
    """What the model itself takes for prompts of one image each."""
    if not prepared:
        return {}
    pixels = [one.inputs["pixel_values"] for one in prepared]
    rest = {
        name: torch.stack([one.inputs[name] for one in prepared]).to(backbone.device)
        for name in prepared[0].inputs
        if name != "pixel_values"
    }
    if "image_grid_thw" in rest:  # patches of all images in one list
        joined = torch.cat(pixels)
    elif backbone.model.config.model_type in ("idefics3", "smolvlm"):  # [prompts, images, ...]
        joined = torch.stack(pixels)[:, None]
    else:
        joined = torch.stack(pixels)
    return {"pixel_values": backbone.family.to_eyes(joined), **rest}


def _types(backbone: Backbone, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """Which tokens are an image's, for models that ask for it."""
    asked = inspect.signature(backbone.model.forward).parameters
    types = (ids == backbone.family.image_token_id).long()
    return {name: types for name in _TYPE_NAMES if name in asked}
