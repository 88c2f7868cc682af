"""How strongly the backbone says yes rather than no, for every candidate of every row."""

from collections.abc import Sequence

import torch

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.images import ImageFeatures
from gistrec.mllm.packing import Packed, Row, block_mask, pack


def hidden_states(backbone: Backbone, packed: Packed, features: ImageFeatures) -> torch.Tensor:
    """Last-layer states [b, s, d] of a packed batch."""
    return backbone.model.model.text_model(
        inputs_embeds=backbone.embed(packed.ids, features.of(packed.images, backbone.device)),
        attention_mask=block_mask(packed.branch),
        position_ids=packed.positions,
        use_cache=False,
    ).last_hidden_state


def answer_states(backbone: Backbone, rows: Sequence[Row], features: ImageFeatures) -> torch.Tensor:
    """Last-layer states [a, d] where each candidate's answer begins, row by row."""
    packed = pack(rows, backbone.pad_id).to(backbone.device)
    hidden = hidden_states(backbone, packed, features)
    return hidden[packed.answers[:, 0], packed.answers[:, 1]]


def yes_minus_no(backbone: Backbone, states: torch.Tensor) -> torch.Tensor:
    """Log p(yes) - log p(no) at each state: float32 [a] from [a, d].

    p sums over the spellings that an answer may begin with; the sigmoid of the result is
    p(yes) / (p(yes) + p(no)), the score of both papers.
    """
    ids = torch.tensor(backbone.yes_ids + backbone.no_ids, device=states.device)
    # Never in bfloat16: its few digits would make candidates tie.
    with torch.autocast(states.device.type, enabled=False):
        logits = states.float() @ backbone.model.lm_head.weight[ids].T.float()
    yes, no = logits.split([len(backbone.yes_ids), len(backbone.no_ids)], dim=-1)
    return yes.logsumexp(-1) - no.logsumexp(-1)


@torch.no_grad()
def score_rows(
    backbone: Backbone, rows: Sequence[Row], features: ImageFeatures, max_tokens: int = 16_384
) -> list[torch.Tensor]:
    """One float32 [branches] of yes-minus-no a row, on the CPU.

    Rows of like length share a batch of about ``max_tokens`` padded tokens.
    """
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    scores: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(rows[order[end]]) <= max_tokens:
            end += 1
        batch = [rows[row] for row in order[start:end]]
        found = yes_minus_no(backbone, answer_states(backbone, batch, features)).cpu()
        parts = torch.split(found, [len(row.branches) for row in batch])
        for row, part in zip(order[start:end], parts, strict=True):
            scores[row] = part
        start = end
    return scores
