"""Catalogues, logs and settings that HM4SR learns from in a second."""

import numpy as np
import polars as pl

from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.data.sequences import Sequences
from gistrec.text.encoder import of_length_one


def small(**settings: object) -> Hm4srConfig:
    """The paper's parts at sizes of a test."""
    sizes = {
        "width": 16,
        "layers": 1,
        "dropout": 0.1,
        "max_length": 12,
        "batch_size": 64,
        "learning_rate": 0.01,
        "warmup_steps": 5,
        "epochs": 3,
        "temporal": True,
    }
    return Hm4srConfig.model_validate(sizes | settings)


def sequences(rows: list[list[int]], times: list[list[int]] | None = None) -> Sequences:
    """One user a row; by default an hour, more or less, between two items."""
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    items = np.array([item for row in rows for item in row], dtype=np.int32)
    users = pl.Series([f"u{index}" for index in range(len(rows))], dtype=pl.String)
    if times is None:
        rng = np.random.default_rng(3)
        times = [rng.integers(60, 7200, size=len(row)).cumsum().tolist() for row in rows]
    flat = np.array([time for row in times for time in row], dtype=np.int64)
    return Sequences(users, offsets, items, flat)


def vectors(n_items: int, categories: int = 0, seed: int = 1) -> ItemVectors:
    """Random texts and images of every item but the first; item n in category n."""
    rng = np.random.default_rng(seed)
    text = rng.standard_normal((n_items, 6)).astype(np.float32)
    image = rng.standard_normal((n_items, 4)).astype(np.float32)
    text[0], image[0] = 0.0, 0.0
    named = np.zeros((n_items, categories), dtype=np.float32)
    if categories:
        named[np.arange(n_items), np.arange(n_items) % categories] = 1.0
    return ItemVectors(of_length_one(text), of_length_one(image), named, "random")
