"""A small shop to search and study on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.dataset import Card, write_dataset
from gistrec.pipeline.variants import Recipe

N_ITEMS, N_USERS = 40, 60
TINY = (
    "split.negatives=9",
    "evaluation.resamples=10",
    "baselines.sasrec.width=32",
    "baselines.sasrec.negatives=null",
    "baselines.sasrec.epochs=1",
    "baselines.sasrec.batch_size=16",
)


def shop(folder: Path, log: pl.DataFrame) -> Path:
    ids = [f"i{code:02}" for code in range(N_ITEMS)]
    write_dataset(folder, pl.DataFrame({"item_id": ids, "title": ids}), log, Card("shop"))
    return folder


def drawn_log() -> pl.DataFrame:
    """Each user walks the catalogue in steps of one to three."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(N_USERS):
        places = (rng.integers(N_ITEMS) + rng.integers(1, 4, 7).cumsum()) % N_ITEMS
        rows += [(f"u{user:02}", f"i{place:02}", k) for k, place in enumerate(places)]
    return pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")


def recipe(system: str, dataset: Path, *settings: str) -> Recipe:
    return Recipe(system, dataset, None, (*TINY, *settings))


def named_users(folder: Path) -> set[str]:
    """All users that any table under a folder names."""

    def names() -> Iterator[str]:
        for file in folder.rglob("*.parquet"):
            table = pl.read_parquet(file)
            if schema.USER_ID in table.columns:
                yield from table[schema.USER_ID]

    return set(names())
