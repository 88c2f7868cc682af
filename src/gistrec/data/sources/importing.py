"""Someone's data made a dataset folder: read, tidied, given its images, written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.dataset import Card, Dataset, write_dataset
from gistrec.data.sources.attach_images import ImageCount, attach_images
from gistrec.data.sources.columns import ColumnMap
from gistrec.data.sources.image_folder import ImageFailure
from gistrec.data.sources.image_urls import FetchSettings
from gistrec.data.sources.raw import Note
from gistrec.data.sources.registry import read_source
from gistrec.data.sources.tidy import tidied
from gistrec.errors import ConfigError, DataError
from gistrec.files import written_aside


@dataclass(frozen=True)
class ImportOptions:
    """What a person may ask of an import; nothing is filtered unless asked.

    Attributes:
        name: of the dataset; the folder's name where None.
        item_noun: what prompts call an item; the source's where None.
        verb: what prompts say a user did with it; the source's where None.
        columns: our column names to theirs, for ``recbole`` and ``table``.
        min_interactions: k of a k-core: users and items with fewer fall out until none is left.
        min_rating: interactions rated lower are left out.
        only_seen: leave out items that nobody chose.
        images: a folder with images called ``<item_id>.<suffix>``.
        fetch: fetch the images that still lack from their URLs, so; None: do not.
        image_side: pixels that the longest side of a kept image may have.
    """

    name: str | None = None
    item_noun: str | None = None
    verb: str | None = None
    columns: ColumnMap = field(default_factory=ColumnMap)
    min_interactions: int = 0
    min_rating: float | None = None
    only_seen: bool = False
    images: Path | None = None
    fetch: FetchSettings | None = None
    image_side: int = 224


@dataclass(frozen=True)
class ImportReport:
    """What an import made of its input.

    Attributes:
        dataset: as written.
        rows_read: interactions in the source; those of ``dataset`` and of ``dropped`` add up to it.
        dropped: why interactions were left out, and how many for each reason.
        notes: what else a person should know.
        images: what came of the images; None where the source has none and none were asked for.
        failures_file: CSV of every image that failed; None where none did.
    """

    dataset: Dataset
    rows_read: int
    dropped: tuple[Note, ...]
    notes: tuple[Note, ...]
    images: ImageCount | None
    failures_file: Path | None


def import_dataset(
    source: str, paths: Sequence[Path], out: Path, options: ImportOptions | None = None
) -> ImportReport:
    """Read ``paths`` as ``source`` and write the dataset folder ``out``.

    Fetched images are kept in ``<out>.images`` beside it, so that a second import needs no network;
    images that failed are listed in ``<out>.images.csv``.

    Raises:
        ConfigError: an unknown source or an impossible option.
        DataError: the input is malformed, or ``out`` holds something else.
    """
    options = options or ImportOptions()
    if options.image_side < 1:
        raise ConfigError(f"--image-side {options.image_side}: must be at least 1 pixel")
    _refuse_early(out)
    raw = read_source(source, paths, options.columns)
    tidy = tidied(raw, options.min_rating, options.only_seen, options.min_interactions)
    beside = out.resolve()
    cache = beside.with_name(f"{beside.name}.images")
    attached = attach_images(
        tidy.items, options.image_side, raw.image_files, options.images, options.fetch, cache
    )
    card = Card(
        name=options.name or beside.name,
        item_noun=options.item_noun or raw.item_noun,
        verb=options.verb or raw.verb,
        source=raw.origin,
    )
    dataset = write_dataset(out, attached.items, tidy.interactions, card)
    listed = _list_failures(beside.with_name(f"{beside.name}.images.csv"), attached.failures)
    return ImportReport(dataset, tidy.rows_read, tidy.dropped, tidy.notes, attached.count, listed)


def _refuse_early(out: Path) -> None:
    """Refuse a folder of something else before hours are spent on images."""
    if not out.exists() or (out / schema.DATASET_FILE).is_file():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise DataError(f"{out} holds something that is not a dataset; choose a new folder")


def _list_failures(target: Path, failures: Sequence[ImageFailure]) -> Path | None:
    if not failures:
        target.unlink(missing_ok=True)  # of an earlier import into this folder
        return None
    rows = [(failure.item_id, failure.where, failure.why) for failure in failures]
    names = (schema.ITEM_ID, "where", "why")
    with written_aside(target) as aside:
        pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_csv(aside)
    return target
