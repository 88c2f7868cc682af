"""How often a piece of work runs the language model."""

from collections.abc import Callable

from gistrec.mllm.backbone import Backbone


def passes_of(work: Callable[[], object], backbone: Backbone) -> int:
    """Run ``work`` and count forward passes of the language model, whatever their size."""
    count = 0

    def one_more(*_: object) -> None:
        nonlocal count
        count += 1

    hook = backbone.language.register_forward_hook(one_more)
    try:
        work()
    finally:
        hook.remove()
    return count
