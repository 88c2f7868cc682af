"""A dataset's files, read and checked: every defect with file, row and field."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.dataset import DatasetConfig
from gistrec.data.card import Card, Census, read_card
from gistrec.data.coding import Coded, TimeOrder, coded, time_order
from gistrec.data.defect import Defect as Defect
from gistrec.data.interaction_checks import interaction_defects
from gistrec.data.item_checks import item_defects
from gistrec.data.item_images import undecodable
from gistrec.data.tables import read_table, typed_interactions, typed_items
from gistrec.files import fingerprint_of, fingerprint_of_file


@dataclass(frozen=True)
class Examined:
    """Two tables with their types mended, in the order of their files, and what is wrong with them.

    Attributes:
        items: None where there is no such table.
        interactions: None where there is no such table.
        log: the interactions in numbers; None where a column they need is not sound.
        order: how the log comes in time order; None where there is no log.
        defects: fatal ones and warnings.
    """

    items: pl.DataFrame | None
    interactions: pl.DataFrame | None
    log: Coded | None
    order: TimeOrder | None
    defects: tuple[Defect, ...]


def check_dataset(folder: Path, *, deep: bool = True) -> list[Defect]:
    """Every defect of a dataset, the fatal ones first; ``deep`` decodes every image."""
    card, census, defects = read_card(folder)
    seen = examine_folder(folder)
    defects += seen.defects
    if seen.items is not None and deep:
        defects += undecodable(_sound_part(seen.items, defects), folder)
    if seen.items is not None and seen.log is not None:
        found = census_of(seen.items, seen.log, fingerprint_of_files(folder, card))
        defects += census_defects(census, found)
    return sorted(defects, key=lambda defect: not defect.fatal)


def examine_folder(folder: Path, without: tuple[str, ...] = ()) -> Examined:
    """Read and check the tables of ``folder``, less the item columns ``without``."""
    items, lost_items = read_table(folder / schema.ITEMS_FILE, without)
    interactions, lost_log = read_table(folder / schema.INTERACTIONS_FILE)
    return examine(items, interactions, folder, (*lost_items, *lost_log))


def examine(
    items: pl.DataFrame | None,
    interactions: pl.DataFrame | None,
    folder: Path,
    defects: tuple[Defect, ...] = (),
) -> Examined:
    """Check two tables; image paths start at ``folder``, ``defects`` are known already."""
    found = list(defects)
    if items is not None:
        items, wrong = typed_items(items)
        found += [*wrong, *item_defects(_sound_part(items, wrong), folder)]
    if interactions is not None:
        interactions, wrong = typed_interactions(interactions)
        found += wrong
    if items is None or interactions is None or not _can_be_coded(items, interactions):
        return Examined(items, interactions, None, None, tuple(found))
    log = coded(interactions, items[schema.ITEM_ID])
    order = time_order(log)
    chosen, known = interactions[schema.ITEM_ID], items[schema.ITEM_ID]
    found += interaction_defects(log, order, chosen, known)
    return Examined(items, interactions, log, order, tuple(found))


def fingerprint_of_files(folder: Path, card: Card) -> str:
    """What stands for a dataset's content: its two tables and the nouns that prompts use."""
    files = (schema.ITEMS_FILE, schema.INTERACTIONS_FILE)
    tables = [fingerprint_of_file(folder / name) for name in files]
    return fingerprint_of({"tables": tables, "nouns": [card.item_noun, card.verb]})


def fingerprint_of_view(content: str, view: DatasetConfig) -> str:
    """What stands for what a run sees of a dataset whose files have the fingerprint ``content``."""
    drawn = {"shuffle": view.shuffle, "part": view.part, "seed": view.seed}
    if view.shuffle == "nothing" and view.part == "whole":
        drawn = {}  # the seed draws nothing
    if not drawn and view.withhold == "nothing" and not view.min_interactions:
        return content
    seen = {"withhold": view.withhold, "min_interactions": view.min_interactions}
    return fingerprint_of([content, seen | drawn])


def census_of(items: pl.DataFrame, log: Coded, fingerprint: str) -> Census:
    """What there is to count."""
    return Census(items.height, len(log.users), len(log.user_codes), fingerprint)


def census_defects(said: Census, found: Census) -> list[Defect]:
    """Warnings where dataset.json tells of other files than there are."""
    pairs = {
        f"counts.{name}": (getattr(said, name), getattr(found, name))
        for name in ("items", "users", "interactions")
    } | {"fingerprint": (said.fingerprint, found.fingerprint)}
    return [
        Defect(
            schema.DATASET_FILE,
            None,
            field,
            f"says {noted}, and the files give {actual}: they changed after it was written",
            False,
        )
        for field, (noted, actual) in pairs.items()
        if noted is not None and noted != actual
    ]


def _sound_part(table: pl.DataFrame, defects: list[Defect]) -> pl.DataFrame:
    """``table`` without the columns that have a wrong type."""
    wrong = {defect.field for defect in defects if defect.fatal and defect.row is None}
    return table.drop(wrong & set(table.columns))


def _can_be_coded(items: pl.DataFrame, interactions: pl.DataFrame) -> bool:
    ids = ((items, schema.ITEM_ID), (interactions, schema.USER_ID), (interactions, schema.ITEM_ID))
    sound = all(name in table.columns and table[name].dtype == pl.String for table, name in ids)
    times = interactions.get_column(schema.TIMESTAMP, default=None)
    return sound and times is not None and times.dtype == pl.Int64 and len(times) > 0
