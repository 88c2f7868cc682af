"""Who sees whom in a packed batch, as the attention kernels take it.

Letters: b rows, q tokens that see, k tokens that are seen. A token sees the prefix and its own
branch, as far as they come before it in its own prompt; in families that look at images whole,
also the rest of its own image. Padding sees everything, so that no row of the softmax is empty, and
is seen by no one.
"""

from typing import Any

import torch
from torch.nn.attention.flex_attention import create_block_mask

from gistrec.mllm.packing import NO_PICTURE, PADDING, PREFIX, Marks


def visible(
    seer: Marks, seen: Marks, whole_images: bool = False, window: int | None = None
) -> torch.Tensor:
    """Bool [b, 1, q, k], True where the token of the row may attend to the column's.

    Args:
        seer: who attends, [b, q].
        seen: what it attends to, [b, k]; the seers themselves are among it.
        whole_images: a token of an image sees all of that image, as Gemma 3's do.
        window: a token sees only so many tokens of its own prompt, itself among them.
    """
    theirs, ours = seen.branch[:, None, :], seer.branch[:, :, None]
    before, here = seen.order[:, None, :], seer.order[:, :, None]
    reached = before <= here
    if whole_images:
        image = seer.picture[:, :, None]
        reached |= (image == seen.picture[:, None, :]) & (image != NO_PICTURE)
    if window is not None:
        reached &= before > here - window
    allowed = reached & ((theirs == PREFIX) | (theirs == ours)) & (theirs != PADDING)
    return (allowed | (ours == PADDING))[:, None]


def as_eager(
    seer: Marks, seen: Marks, whole_images: bool, window: int | None, dtype: torch.dtype
) -> torch.Tensor:
    """The mask for attention written out: 0 where seen, the lowest number elsewhere."""
    allowed = visible(seer, seen, whole_images, window)
    lowest = torch.finfo(dtype).min
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(
        ~allowed, lowest
    )


def as_flex(seer: Marks, seen: Marks, whole_images: bool, window: int | None) -> Any:
    """The mask for FlexAttention: whole blocks that no one sees are never computed."""

    def sees(b: torch.Tensor, _: torch.Tensor, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        ours, theirs = seer.branch[b, q], seen.branch[b, k]
        here, before = seer.order[b, q], seen.order[b, k]
        reached = before <= here
        if whole_images:
            image = seer.picture[b, q]
            reached = reached | ((image == seen.picture[b, k]) & (image != NO_PICTURE))
        if window is not None:
            reached = reached & (before > here - window)
        allowed = reached & ((theirs == PREFIX) | (theirs == ours)) & (theirs != PADDING)
        return allowed | (ours == PADDING)

    rows, asked = seer.branch.shape
    return create_block_mask(
        sees, rows, None, asked, seen.branch.shape[1], device=str(seer.branch.device)
    )


def masks(
    config: Any,
    seer: Marks,
    seen: Marks,
    whole_images: bool,
    dtype: torch.dtype,
    causal: bool = False,
) -> Any:
    """What the language model takes as its attention mask.

    Args:
        config: the language model's own configuration: which kernel, which layers have a window.
        seer: who attends.
        seen: what it attends to.
        whole_images: a token of an image sees all of that image.
        dtype: of the activations.
        causal: every token sees just those before it, for which the kernels need no mask.

    Returns:
        One mask, or one by the kind of layer where the model has layers of several kinds.
    """
    kernel = config._attn_implementation

    def made(window: int | None) -> Any:
        if kernel == "flex_attention":
            return as_flex(seer, seen, whole_images, window)
        if kernel == "eager":
            return as_eager(seer, seen, whole_images, window, dtype)
        return visible(seer, seen, whole_images, window)

    window = getattr(config, "sliding_window", None)
    near = window is None or seen.branch.shape[1] <= window
    if kernel == "sdpa" and causal and near and not whole_images:
        return torch.ones_like(seen.branch)  # nothing is padding: the library skips the mask
    kinds = set(getattr(config, "layer_types", None) or ())
    if len(kinds) > 1:
        return {kind: made(window if kind == "sliding_attention" else None) for kind in kinds}
    return made(None if kinds == {"full_attention"} else window)
