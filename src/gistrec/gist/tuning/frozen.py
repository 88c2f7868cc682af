"""The backbone as it was before tuning, which rewards and the KL term need while it is tuned."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from gistrec.config.tuning import TuningConfig
from gistrec.mllm.adapters import has_adapter, prepare_tuning, without_adapter
from gistrec.mllm.backbone import Backbone, make_backbone


@dataclass(frozen=True, eq=False)
class Frozen:
    """A backbone that stays as it is.

    Attributes:
        backbone: a copy, or the tuned one itself where only a new adapter is trained, which is
            switched off for as long as it is asked.
        shared: whether it is the latter.
    """

    backbone: Backbone
    shared: bool

    @contextmanager
    def asked(self) -> Iterator[Backbone]:
        """The backbone as it was, without gradients, for as long as the block lasts."""
        with torch.no_grad():
            if self.shared:
                with without_adapter(self.backbone):
                    yield self.backbone
            else:
                yield self.backbone


def prepare_policy(backbone: Backbone, config: TuningConfig, seed: int) -> Frozen:
    """Make ``backbone`` ready to be tuned, in place, and keep hold of what it is now.

    Raises:
        ConfigError: the model cannot be tuned so; says what to set.
    """
    adapted = has_adapter(backbone)
    kind = prepare_tuning(backbone, config, seed)
    if kind == "lora" and not adapted:
        return Frozen(backbone, shared=True)
    model = copy.deepcopy(backbone.model).requires_grad_(False).eval()
    return Frozen(make_backbone(model, backbone.processor), shared=False)
