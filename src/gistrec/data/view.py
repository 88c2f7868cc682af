"""Parts of a dataset, and what of it is hidden or moved: what a run is to see."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec import schema
from gistrec.config.dataset import DatasetConfig, Part
from gistrec.data.defect import Defect
from gistrec.data.kcore import core_mask
from gistrec.data.tables import IMAGE_COLUMNS
from gistrec.errors import DataError

if TYPE_CHECKING:
    from gistrec.data.dataset import Dataset

Mask = npt.NDArray[np.bool_]
_PARTS_STREAM, _IMAGES_STREAM = 31, 32  # of random numbers


def seen_as(dataset: "Dataset", view: DatasetConfig) -> "Dataset":
    """What ``view`` shows of a dataset; its fingerprint is left as it is.

    Withheld images are not taken out here: whoever opens a dataset does not read them.

    Raises:
        DataError: nothing is left.
    """
    if view.part != "whole":
        dataset = _half(dataset, view.part, view.seed)
    if view.min_interactions:
        dataset = _core(dataset, view.min_interactions)
    if view.withhold == "text":
        dataset = replace(dataset, items=_without_words(dataset.items))
    if view.shuffle == "images":
        dataset = replace(dataset, items=_images_moved(dataset.items, view.seed))
    return dataset


def _half(dataset: "Dataset", part: Part, seed: int) -> "Dataset":
    order = np.random.default_rng([seed, _PARTS_STREAM]).permutation(dataset.n_items)
    first = np.zeros(dataset.n_items, dtype=np.bool_)
    first[order[: (dataset.n_items + 1) // 2]] = True
    items = first if part == "first-half" else ~first
    kept = items[dataset.sequences().items]
    if not kept.any():
        message = f"dataset {dataset.folder}: nobody chose an item of its {part}; "
        raise DataError(message + "set dataset.part=whole, or another dataset.seed")
    return _less(dataset, items, kept, f"left out, as they are not of the {part} asked for")


def _core(dataset: "Dataset", k: int) -> "Dataset":
    """Only users and items of the k-core."""
    log = dataset.sequences()
    kept = core_mask(log.rows().astype(np.int32), log.items, k)
    if not kept.any():
        message = f"dataset {dataset.folder}: no user and no item keeps {k} interactions; "
        raise DataError(message + "ask for a smaller min_interactions")
    items = np.zeros(dataset.n_items, dtype=np.bool_)
    items[log.items[kept]] = True
    what = f"left out, as the {k}-core asked for has no place for it"
    return _less(dataset, items, kept, what)


def _less(dataset: "Dataset", items: Mask, kept: Mask, what: str) -> "Dataset":
    """Only marked items and interactions; the warnings say ``what`` befell how many others."""
    log = dataset.sequences()
    lost = (
        (schema.INTERACTIONS_FILE, schema.USER_ID, len(log) - len(np.unique(log.rows()[kept]))),
        (schema.ITEMS_FILE, schema.ITEM_ID, int(np.count_nonzero(~items))),
        (schema.INTERACTIONS_FILE, "", int(np.count_nonzero(~kept))),
    )
    told = [Defect(file, None, field, what, False, count) for file, field, count in lost if count]
    return replace(
        dataset,
        items=dataset.items.filter(pl.Series(items)),
        interactions=dataset.interactions.filter(pl.Series(kept)),
        warnings=(*dataset.warnings, *told),
    )


def _without_words(items: pl.DataFrame) -> pl.DataFrame:
    named = [name for name in (schema.TITLE, schema.TEXT) if name in items.columns]
    return items.with_columns(pl.lit("").alias(name) for name in named)


def _images_moved(items: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Every image at another item, in one round over all that have one."""
    named = [name for name in IMAGE_COLUMNS if name in items.columns]
    has = np.zeros(items.height, dtype=np.bool_)
    for name, nothing in ((schema.IMAGE, b""), (schema.IMAGE_PATH, "")):
        if name in named:
            there = pl.col(name).is_not_null() & (pl.col(name) != pl.lit(nothing))
            has |= items.select(there)[name].to_numpy()
    owners = np.random.default_rng([seed, _IMAGES_STREAM]).permutation(np.flatnonzero(has))
    taken = np.arange(items.height)
    taken[owners] = np.roll(owners, 1)
    return items.with_columns(items[name].gather(taken) for name in named)
