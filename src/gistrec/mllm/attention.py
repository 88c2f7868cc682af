"""Which attention kernel runs packed rows: on a GPU the one that a measurement finds faster."""

import time
from collections.abc import Sequence
from typing import Literal

import torch

from gistrec.errors import BackboneError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.progress import say

Kernel = Literal["sdpa", "eager", "flex"]
_LIBRARY_NAMES = {"sdpa": "sdpa", "eager": "eager", "flex": "flex_attention"}
_PREFIX, _CANDIDATES, _BRANCH, _ROWS = 512, 21, 24, 4
_RUNS = 5


def use_kernel(backbone: Backbone, kernel: str) -> None:
    """Have the language model attend with ``kernel``; the eyes keep theirs.

    Raises:
        BackboneError: the model cannot.
    """
    name = _LIBRARY_NAMES[kernel]
    language = backbone.language
    if language.config._attn_implementation == name:
        return
    if kernel == "flex" and backbone.device.type != "cuda":
        raise BackboneError(
            "backbone.attention is 'flex', which needs a CUDA device; set backbone.attention=auto"
        )
    try:
        language.set_attn_implementation(name)
    except (ValueError, ImportError) as error:
        raise BackboneError(
            f"backbone.attention is {kernel!r}, which this model cannot use: {error}"
        ) from error


@torch.no_grad()
def fastest_kernel(backbone: Backbone, kernels: Sequence[Kernel] = ("sdpa", "flex")) -> Kernel:
    """Time each kernel on a packed batch and name the fastest; one that fails is left out."""
    seconds: dict[Kernel, float] = {}
    before = backbone.language.config._attn_implementation
    for kernel in kernels:
        try:
            use_kernel(backbone, kernel)
            seconds[kernel] = _seconds(backbone)
        except Exception as error:  # compilers raise whatever they like
            if isinstance(error, torch.OutOfMemoryError):
                torch.cuda.empty_cache()
            say(f"attention {kernel}: left out ({str(error).splitlines()[0] or error!r})")
    backbone.language.set_attn_implementation(before)
    if not seconds:
        raise BackboneError("no attention kernel runs this backbone; set backbone.attention=eager")
    told = ", ".join(f"{kernel} {1000 * took:.1f} ms" for kernel, took in seconds.items())
    best = min(seconds, key=lambda kernel: seconds[kernel])
    say(f"attention: {best} ({told} for {_ROWS} packed rows)")
    return best


def _seconds(backbone: Backbone) -> float:
    """The shortest of a few forward passes over a batch of the usual shape."""
    ids = tuple(backbone.before[:1]) or (backbone.end_id,)
    prefix = min(_PREFIX, backbone.context // 2)
    row = Row(Tokens(ids * prefix), (Tokens(ids * _BRANCH),) * _CANDIDATES)
    packed = backbone.pack([row] * _ROWS)
    took = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        backbone.hidden(packed, None)
        if backbone.device.type == "cuda":
            torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    return min(took)
