"""What comparators are told of items: vectors of texts and images, and categories."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from gistrec import schema
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.config.text import SentenceEncoderKind
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.backbone import open_features
from gistrec.pipeline.workplace import Workplace
from gistrec.progress import track
from gistrec.text.encoder import of_length_one, open_sentence_encoder

Floats = npt.NDArray[np.float32]


def item_vectors(work: Workplace, backbone: Path, text: SentenceEncoderKind) -> ItemVectors:
    """Vectors of every item of the run's dataset.

    Args:
        work: the run.
        backbone: folder of its finished stage `backbone`.
        text: which sentence encoder reads titles and texts.
    """
    texts = [f"{title}\n{more}" for title, more in zip(work.titles, work.texts, strict=True)]
    encoder = open_sentence_encoder(text, texts)
    return ItemVectors(
        encoder.encode(texts),
        image_vectors(open_features(work, backbone)),
        category_vectors(work.dataset.items),
        encoder.name,
    )


def image_vectors(features: ImageFeatures) -> Floats:
    """Float32 [n_items, d]: the mean of an image's tokens, centred, of length one.

    Means over tokens differ little from image to image beside what all have in common, which is
    taken away. An item without an image has a row of zeros.
    """
    codes = [code for code in range(len(features.part)) if code in features]
    if not codes:
        return np.zeros((len(features.part), 1), dtype=np.float32)
    means = [_mean(features, code) for code in track(codes, "image vectors")]
    found = np.stack(means)
    vectors = np.zeros((len(features.part), found.shape[1]), dtype=np.float32)
    # Of a single image nothing but itself is in common.
    vectors[codes] = of_length_one(found - found.mean(axis=0) if len(codes) > 1 else found)
    return vectors


def category_vectors(items: pl.DataFrame) -> Floats:
    """Float32 [n_items, c]: 1 for each category of an item, from the column `category`.

    It may hold one a row or a list; without the column c is 0.
    """
    if schema.CATEGORY not in items.columns:
        return np.zeros((items.height, 0), dtype=np.float32)
    column = items[schema.CATEGORY]
    told: Sequence[Sequence[object] | None] = (
        column.to_list()
        if isinstance(column.dtype, pl.List)
        else [None if value is None else [value] for value in column.to_list()]
    )
    names = sorted({str(name) for row in told for name in row or () if name is not None})
    place = {name: number for number, name in enumerate(names)}
    vectors = np.zeros((items.height, len(names)), dtype=np.float32)
    for code, row in enumerate(told):
        vectors[code, [place[str(name)] for name in row or () if name is not None]] = 1.0
    return vectors


def _mean(features: ImageFeatures, code: int) -> Floats:
    tokens = features.of([code], torch.device("cpu"))
    if tokens is None:
        raise ValueError(f"item {code} has no image")
    mean: Floats = tokens.float().mean(dim=(0, 1)).numpy()
    return mean
