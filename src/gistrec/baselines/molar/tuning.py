"""The item encoder's tuning for the next item, and the vectors that come of it.

What departs from the paper stands in ``molar.network``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gistrec.baselines.molar.items import ItemContent, ItemEncoder, View
from gistrec.baselines.molar.losses import both_ways, next_item_nce
from gistrec.baselines.molar.network import UserEncoder
from gistrec.config.molar import MolarConfig
from gistrec.data.sequences import PAD, Sequences
from gistrec.mllm.adapters import prepare_tuning, trainable_parameters
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.training import Course, Lessons, Trained, train
from gistrec.progress import say
from gistrec.sequence.batches import right_padded, shuffled_batches, windows
from gistrec.sequence.training import known_items

_DRAW_STREAM, _LOOK_STREAM = 311, 312
_LOOKED_AT = 512  # items whose untuned vectors tell mean and spread
_VIEWS: tuple[View, ...] = ("image", "words")
_TEMPERATURE = 0.07  # of the contrast of images with words
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class TunedItems:
    """What came of the tuning.

    Attributes:
        vectors: float32 [n_items, v], of mean 0 and spread 1 over the items of the training log.
        kind: what of the model was trained.
        parameters: how many numbers of it.
        trained: the course of it.
    """

    vectors: Tensor
    kind: Literal["full", "lora", "none"]
    parameters: int
    trained: Trained


def tuned_items(
    backbone: Backbone,
    content: ItemContent,
    log: Sequences,
    config: MolarConfig,
    checkpoint: Path | None,
    key: str,
) -> TunedItems:
    """Tune the backbone on a training log, then encode every item.

    Args:
        backbone: trained in place.
        content: of the catalogue.
        log: the training log.
        config: of both encoders; that of the users only guides here.
        checkpoint: folder where the training is saved and resumed; see ``gistrec.mllm.training``.
        key: stands for everything that decides the result.

    Raises:
        DataError: the log is empty.
        ConfigError: the model cannot be tuned so.
        RunError: the checkpoint is of another training, or the loss is no longer finite.
    """
    items, n_items = config.items, len(content.titles)
    known = known_items(log, n_items)
    kind: Literal["full", "lora", "none"] = "none"
    if items.epochs:
        kind = prepare_tuning(backbone, items.tuning, config.seed)
    parameters = trainable_parameters(backbone.model) if items.epochs else 0
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        pupil = _Pupil(ItemEncoder(backbone, content, items.max_text_tokens), config)
        if items.epochs:
            say(f"molar: {kind} tuning of {parameters:,} parameters")
            pupil.look(known)
        course = Course(
            items.epochs,
            items.learning_rate,
            warmup=0.05,
            precision=items.precision,
            accumulation=items.accumulation,
            seed=config.seed,
        )
        lessons = Lessons("molar items", _Pieces(log, config).drawn, pupil.loss)
        trained = train(pupil, lessons, course, checkpoint, key)
    vectors = pupil.encoder.vectors(range(n_items))
    mean, spread = _moments(vectors[torch.from_numpy(known)])
    return TunedItems((vectors - mean) / spread, kind, parameters, trained)


class _Pieces:
    """Short pieces of histories, drawn anew in each round."""

    def __init__(self, log: Sequences, config: MolarConfig) -> None:
        pieces = windows(log, config.items.length)
        told = pieces.lengths > 1  # a piece of one item has nothing before it
        self._pieces = pieces.take(np.flatnonzero(told)) if told.any() else pieces
        self._config = config

    def drawn(self, epoch: int) -> list[Sequences]:
        """The batches of a round."""
        items = self._config.items
        rng = np.random.default_rng([self._config.seed, _DRAW_STREAM, epoch])
        chosen = self._pieces.take(rng.permutation(len(self._pieces))[: items.max_windows])
        batches = shuffled_batches(chosen.lengths, items.batch_size, rng)
        return [chosen.take(rows) for rows in batches]


class _Pupil(nn.Module):
    """Both encoders, as they learn together."""

    mean: Tensor
    spread: Tensor

    def __init__(self, encoder: ItemEncoder, config: MolarConfig) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = config
        width = len(encoder.token)
        device = encoder.token.device
        self.users = UserEncoder(config, width, config.items.length).to(device)
        self.register_buffer("mean", torch.zeros(width, device=device))
        self.register_buffer("spread", torch.ones(width, device=device))

    def look(self, known: npt.NDArray[np.bool_]) -> None:
        """Take mean and spread from the untuned vectors of some items."""
        rng = np.random.default_rng([self.config.seed, _LOOK_STREAM])
        some = rng.permutation(np.flatnonzero(known))[:_LOOKED_AT]
        mean, spread = _moments(self.encoder.vectors(some.tolist(), "untuned item vectors"))
        self.mean.copy_(mean)
        self.spread.copy_(spread)

    def loss(self, pieces: Sequences) -> Tensor:
        """Of the next item among those of the batch, and of images with their words."""
        items = right_padded(pieces)[0]
        asked = items != PAD
        codes, rows = torch.unique(items[asked], return_inverse=True)
        places = torch.full_like(items, PAD)
        places[asked] = rows
        device, weight = self.mean.device, self.config.items.image_text
        vectors = self.encoder(codes.tolist())
        shown = self._shown(codes) if weight else []
        views = [self.encoder(shown, view) for view in _VIEWS] if len(shown) > 1 else []
        # A language model may run in 16 bits, in which cosines near to 1 are all the same.
        with torch.autocast(device.type, enabled=False):
            table = self._projected(vectors)
            states = self.users.states(places.to(device), table)
            loss = next_item_nce(
                states[:, :-1][asked.to(device)],
                table[rows.to(device)],
                table,
                self.users.scale,
                self.config.near_duplicate,
            )
            return loss + weight * self._image_text(*views) if views else loss

    def _shown(self, codes: Tensor) -> list[int]:
        """Some of the items that have an image and words."""
        shuffled = codes[torch.randperm(len(codes))].tolist()
        both = [code for code in shuffled if self.encoder.content.has_both(code)]
        return both[: self.config.items.image_text_items]

    def _image_text(self, seen: Tensor, read: Tensor) -> Tensor:
        """The contrast of items' images with their words, float32 [n, v] both."""
        images, words = self._projected(seen), self._projected(read)
        same = (words @ words.T).detach() > self.config.near_duplicate
        return both_ways(images, words, same, _TEMPERATURE)

    def _projected(self, vectors: Tensor) -> Tensor:
        return self.users.projected((vectors - self.mean) / self.spread)


def _moments(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of [n, v], each [v]; a spread of nothing is 1."""
    spread = vectors.std(dim=0, correction=0)
    return vectors.mean(dim=0), torch.where(spread > _LEAST, spread, 1.0)
