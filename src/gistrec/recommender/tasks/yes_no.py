"""The first task: will the user choose this candidate? A packed row, its positive first.

With `recommender.loss: pairwise` and one negative it is the paper's form: a yes and a no for each
window, the cross-entropy of both. `listwise` is a softmax over the row's yes-minus-no.
"""

from functools import partial

import torch
from torch.nn import functional

from gistrec.data.sequences import IntArray, LongArray
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.losses import candidate_loss
from gistrec.mllm.packing import PREFIX, Packed
from gistrec.mllm.scoring import hidden_states, yes_minus_no
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.tasks.of_windows import drawn_windows, window_batches
from gistrec.recommender.windows import Windows, with_negatives

_STREAM = 6103


class YesNo:
    """Rows of a positive and its negatives."""

    def __init__(self, material: Material) -> None:
        """Nothing is built before its batch is run."""
        self._material = material

    def batches(self, epoch: int) -> list[Batch]:
        """An epoch's, in random order."""
        material, config = self._material, self._material.config
        windows = drawn_windows(material, config.tasks.yes_no, _STREAM, epoch)
        candidates = with_negatives(
            material.data.log,
            windows,
            material.data.known,
            config.negatives,
            [config.seed, epoch],
        )
        loss = partial(self._loss, windows, candidates)
        return window_batches(material, "yes_no", windows, _STREAM, epoch, loss)

    def _loss(self, windows: Windows, candidates: IntArray, places: LongArray) -> torch.Tensor:
        material, config = self._material, self._material.config
        windows, candidates = windows.take(places), candidates[places]
        told = material.data.told(windows, candidates)
        asked = zip(material.data.asked(windows), candidates.tolist(), told, strict=True)
        rows = [material.prompter.row(profile, codes, lines) for profile, codes, lines in asked]
        packed = material.backbone.pack(rows)
        hidden = hidden_states(material.backbone, packed, material.features)
        answers = yes_minus_no(
            material.backbone, hidden[packed.answers[:, 0], packed.answers[:, 1]]
        )
        chosen = candidate_loss(answers.view(len(rows), -1), config.loss)
        if not config.gist_weight:
            return chosen
        return chosen + config.gist_weight * prefix_loss(material.backbone, packed, hidden)


def prefix_loss(backbone: Backbone, packed: Packed, hidden: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each token of the shared prefix given those before it, a scalar.

    Most of the prefix is gists, each the next item's after the ones before it.

    Args:
        backbone: whose language head predicts.
        packed: the batch.
        hidden: its last-layer states, [b, s, d].
    """
    told = (packed.branch[:, :-1] == PREFIX) & (packed.branch[:, 1:] == PREFIX)
    logits = backbone.logits(hidden[:, :-1][told])
    return functional.cross_entropy(logits, packed.ids[:, 1:][told])
