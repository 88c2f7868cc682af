"""The language model as its library runs it: causal, without a mask of ours."""

from collections.abc import Sequence

import torch

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Packed, Row, Tokens
from gistrec.mllm.scoring import yes_minus_no
from gistrec.mllm.vision.features import ImageFeatures


def pack_separately(backbone: Backbone, prompts: Sequence[Tokens]) -> Packed:
    """Whole prompts in one batch, padded on the right, so that being causal hides the padding."""
    return backbone.pack([Row(Tokens(()), (prompt,)) for prompt in prompts])


def causal_states(
    backbone: Backbone, packed: Packed, features: torch.Tensor | None
) -> torch.Tensor:
    """Last-layer states [b, s, d] of whole prompts, by the kernel for causal attention.

    Args:
        backbone: whose language model.
        packed: from ``pack_separately``.
        features: of its images in order, [k, tokens, d]; None without images.
    """
    language, ids = backbone.language, packed.ids
    place = ids == backbone.family.image_token_id
    text = ids if features is None else ids.masked_fill(place, 0)
    embedded = backbone.model.get_input_embeddings()(text)
    more: dict[str, object] = {}
    if features is not None:
        features = features.to(embedded.device, embedded.dtype)
        embedded = embedded.masked_scatter(place[..., None], features[0])
        if len(features) > 1:
            more = {"visual_pos_masks": place, "deepstack_visual_embeds": list(features[1:])}
    # Where positions only count up the library counts itself: given padded ones it builds a mask.
    if backbone.family.axes > 1:
        more["position_ids"] = packed.positions
    return language(
        inputs_embeds=embedded, attention_mask=None, use_cache=False, **more
    ).last_hidden_state


def separate_states(
    backbone: Backbone, prompts: Sequence[Tokens], features: ImageFeatures
) -> torch.Tensor:
    """States [n, d] where the answers of separate prompts begin, all prompts in one batch."""
    packed = pack_separately(backbone, prompts)
    seen = features.of(packed.images, backbone.device)
    if backbone.family.whole_images:  # image tokens that see what follows take a mask
        hidden = backbone.hidden(packed, seen)
    else:
        hidden = causal_states(backbone, packed, seen)
    return hidden[packed.answers[:, 0], packed.answers[:, 1]]


@torch.no_grad()
def score_separately(
    backbone: Backbone, prompts: Sequence[Tokens], features: ImageFeatures, batch: int
) -> torch.Tensor:
    """Yes-minus-no of separate prompts, ``batch`` at a time: float32 [n], on the CPU."""
    scores = [
        yes_minus_no(
            backbone, separate_states(backbone, prompts[start : start + batch], features)
        ).cpu()
        for start in range(0, len(prompts), batch)
    ]
    return torch.cat(scores)


@torch.no_grad()
def score_plainly(backbone: Backbone, rows: Sequence[Row], features: ImageFeatures) -> torch.Tensor:
    """As many tokens as packed rows in a causal prompt each, read where answers would begin.

    The numbers mean nothing, each candidate having seen those before it: they cost what a forward
    pass over so many tokens costs at the least.
    """
    prompts, ends = [], []
    for number, row in enumerate(rows):
        whole = row.prefix
        for branch in row.branches:
            whole = whole + branch
            ends.append((number, len(whole.ids) - 1))
        prompts.append(whole)
    packed = pack_separately(backbone, prompts)
    hidden = causal_states(backbone, packed, features.of(packed.images, backbone.device))
    owners, places = zip(*ends, strict=True)
    return yes_minus_no(backbone, hidden[list(owners), list(places)]).cpu()
