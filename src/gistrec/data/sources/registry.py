"""Every source by name, and how each is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gistrec.data.sources import amazon, microlens, movielens, recbole, table
from gistrec.data.sources.columns import ColumnMap
from gistrec.data.sources.raw import Raw
from gistrec.errors import ConfigError

Reader = Callable[[Sequence[Path], ColumnMap], Raw]


@dataclass(frozen=True)
class Source:
    """One kind of dataset that people have.

    Attributes:
        name: what the command line calls it.
        form: its files, in a line.
        read: reads them.
        takes_columns: whether its column names differ from one to the next, so that --map helps.
    """

    name: str
    form: str
    read: Reader
    takes_columns: bool = False


SOURCES = {
    source.name: source
    for source in (
        Source(
            movielens.NAME,
            "ratings.dat + movies.dat, ratings.csv + movies.csv, or u.data + u.item",
            lambda paths, _: movielens.read_movielens(paths),
        ),
        Source(
            microlens.NAME,
            "*_pairs.csv or *_pairs.tsv, and *_titles.csv",
            lambda paths, _: microlens.read_microlens(paths),
        ),
        Source(
            amazon.NAME,
            "reviews and meta_* as .jsonl or .jsonl.gz (Amazon Reviews 2023)",
            lambda paths, _: amazon.read_amazon(paths),
        ),
        Source(recbole.NAME, ".inter and .item", recbole.read_recbole, takes_columns=True),
        Source(
            table.NAME,
            "your own log and catalogue as .csv, .tsv or .parquet",
            table.read_table,
            takes_columns=True,
        ),
    )
}


def read_source(name: str, paths: Sequence[Path], columns: ColumnMap | None = None) -> Raw:
    """Read ``paths`` as the source ``name``.

    Raises:
        ConfigError: no such source, or columns are mapped for one whose names are fixed.
        DataError: the files are not what that source must be.
    """
    if name not in SOURCES:
        raise ConfigError(f"unknown source {name!r}; there are {', '.join(SOURCES)}")
    source, columns = SOURCES[name], columns or ColumnMap()
    if columns.pairs and not source.takes_columns:
        raise ConfigError(f"{name} has fixed column names: leave --map out, or import as table")
    return source.read(paths, columns)
