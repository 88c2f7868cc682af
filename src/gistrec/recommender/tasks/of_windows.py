"""Batches of the tasks that ask about windows of the log."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from gistrec.data.sequences import LongArray
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.windows import Windows, in_batches, spread

_SHARE_STREAM = 6104


def drawn_windows(material: Material, share: float, stream: int, epoch: int) -> Windows:
    """``share`` times as many as an epoch has windows; ``stream`` keeps kinds apart."""
    windows = material.data.windows_of(epoch)
    seed = [material.config.seed, _SHARE_STREAM, stream, epoch]
    return windows.take(spread(len(windows), round(share * len(windows)), seed))


def window_batches(
    material: Material,
    kind: str,
    windows: Windows,
    stream: int,
    epoch: int,
    loss: Callable[[LongArray], torch.Tensor],
) -> list[Batch]:
    """Windows in batches of like history.

    Args:
        material: what tasks are made of.
        kind: the task's name.
        windows: of the epoch.
        stream: of the order.
        epoch: likewise.
        loss: of the windows at these places.
    """
    config = material.config
    shown = np.minimum(windows.moments, config.history)
    order = in_batches(shown, config.batch_size, [config.seed, stream, epoch])
    return [Batch(kind, len(places), partial(loss, places)) for places in order]
