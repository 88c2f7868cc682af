"""A dataset folder: items, what users did with them, and what both are called."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.config.dataset import DatasetConfig
from gistrec.data.card import Card as Card
from gistrec.data.card import Census, read_card, write_card
from gistrec.data.checks import (
    Examined,
    census_defects,
    census_of,
    examine,
    examine_folder,
    fingerprint_of_files,
    fingerprint_of_view,
)
from gistrec.data.coding import coded
from gistrec.data.defect import Defect, refuse_fatal
from gistrec.data.item_images import decodes, encoded_image
from gistrec.data.sequences import Sequences
from gistrec.data.tables import IMAGE_COLUMNS
from gistrec.data.view import seen_as
from gistrec.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Items and interactions, checked and in order.

    Attributes:
        folder: where it lies.
        card: name and nouns.
        items: one row an item: item_id, title, and whatever else is known; an item's code is its
            row number.
        interactions: user_id, item_id, timestamp and whatever else is known; users by their first
            appearance, each one's rows by time, equal times in the order of the file.
        fingerprint: stands for the content of both files, the nouns and which part is seen, as
            what; images that lie in files of their own are not in it.
        warnings: what is not as it should be, and was worked around.
    """

    folder: Path
    card: Card
    items: pl.DataFrame
    interactions: pl.DataFrame
    fingerprint: str
    warnings: tuple[Defect, ...] = ()

    @property
    def item_ids(self) -> pl.Series:
        """String [n_items], the ids behind the item codes."""
        return self.items[schema.ITEM_ID]

    @property
    def n_items(self) -> int:
        """How many items the catalogue holds, interacted with or not."""
        return self.items.height

    @property
    def n_users(self) -> int:
        """How many users have interactions."""
        return len(self._sequences)

    def sequences(self) -> Sequences:
        """All users' items in time order."""
        return self._sequences

    def encoded_image(self, code: int) -> bytes | None:
        """What an item has as its image, decodable or not; None where it has nothing."""
        return encoded_image(self.items, self.folder, code)

    def image_bytes(self, code: int) -> bytes | None:
        """The encoded image of an item; None where it has none that decodes."""
        data = self.encoded_image(code)
        return data if data is not None and decodes(data) else None

    def title(self, code: int) -> str:
        """The title of an item, "" where it has none."""
        return str(self.items[schema.TITLE][code])

    def text(self, code: int) -> str:
        """The text of an item, "" where it has none."""
        return str(self.items[schema.TEXT][code]) if schema.TEXT in self.items.columns else ""

    @cached_property
    def _sequences(self) -> Sequences:
        log = coded(self.interactions, self.item_ids)
        lengths = np.bincount(log.user_codes, minlength=len(log.users))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Sequences(log.users, offsets, log.item_codes, log.timestamps)


def open_dataset(folder: Path, view: DatasetConfig | None = None) -> Dataset:
    """Open a dataset folder; images are not decoded before they are asked for.

    Args:
        folder: with items.parquet, interactions.parquet and, if it has one, dataset.json.
        view: which part is seen, and as what; None for all as it is. The warnings count what
            falls out.

    Raises:
        DataError: there are fatal defects, or nothing is left of the part.
    """
    folder, view = Path(folder), DatasetConfig() if view is None else view
    card, said, defects = read_card(folder)
    seen = examine_folder(folder, IMAGE_COLUMNS if view.withhold == "images" else ())
    refuse_fatal([*defects, *seen.defects], f"dataset {folder}")
    dataset, census = _assembled(seen, folder, card, fingerprint_of_files(folder, card))
    dataset = replace(dataset, warnings=(*census_defects(said, census), *dataset.warnings))
    fingerprint = fingerprint_of_view(dataset.fingerprint, view)
    return replace(seen_as(dataset, view), fingerprint=fingerprint)


def write_dataset(
    folder: Path, items: pl.DataFrame, interactions: pl.DataFrame, card: Card
) -> Dataset:
    """Check two tables and write them as a dataset folder, interactions in time order.

    A new folder appears whole. Of a dataset written before, the files are replaced one by one,
    dataset.json last; what else lies in it stays.

    Raises:
        DataError: the tables have fatal defects, or the folder holds something that is not a
            dataset written by gistrec.
    """
    folder = Path(folder)
    _refuse_others_folder(folder)
    seen = examine(items, interactions, folder)
    refuse_fatal(seen.defects, f"the dataset to be written to {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        aside = Path(name) / folder.name
        aside.mkdir()
        unmarked, _ = _assembled(seen, folder, card, "")
        unmarked.items.write_parquet(aside / schema.ITEMS_FILE)
        unmarked.interactions.write_parquet(aside / schema.INTERACTIONS_FILE)
        dataset, census = _assembled(seen, folder, card, fingerprint_of_files(aside, card))
        write_card(aside / schema.DATASET_FILE, card, census)
        _put(aside, folder)
    return dataset


def _assembled(
    seen: Examined, folder: Path, card: Card, fingerprint: str
) -> tuple[Dataset, Census]:
    """The dataset of two tables without fatal defects, and its counts."""
    items, interactions, log, order = seen.items, seen.interactions, seen.log, seen.order
    if items is None or interactions is None or log is None or order is None:
        raise DataError(f"dataset {folder} is incomplete")
    if order.rows is not None:
        interactions = interactions[order.rows]
    warnings = tuple(defect for defect in seen.defects if not defect.fatal)
    dataset = Dataset(folder, card, items, interactions, fingerprint, warnings)
    return dataset, census_of(items, log, fingerprint)


def _refuse_others_folder(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise DataError(f"{folder} is not a folder; choose another place for the dataset")
    if not folder.exists() or not any(folder.iterdir()):
        return
    _, census, defects = read_card(folder)
    if defects or census.fingerprint is None:
        message = f"{folder} holds something that is not a dataset written by gistrec; "
        raise DataError(message + "choose an empty or a new folder")


def _put(aside: Path, folder: Path) -> None:
    """Move what was written aside to its place."""
    if not folder.exists() or not any(folder.iterdir()):
        aside.replace(folder)  # an empty folder gives way
        return
    for name in (schema.ITEMS_FILE, schema.INTERACTIONS_FILE, schema.DATASET_FILE):
        (aside / name).replace(folder / name)
