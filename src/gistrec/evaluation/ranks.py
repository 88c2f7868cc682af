"""Ranks tables on disk: one Parquet file a system and protocol, one row a question."""

from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.errors import RunError
from gistrec.files import written_aside

_COLUMNS = (schema.USER_ID, schema.POSITIVE, schema.RANK, schema.TIES, schema.N_CANDIDATES)


def ranks_file(run: Path, system: str, protocol: str = schema.FULL) -> Path:
    """Where a run keeps a ranks table: ``ranks/<system>.parquet`` for the full catalogue.

    The other protocols stand beside it as ``ranks/<system>.<protocol>.parquet``.

    Raises:
        RunError: the system's name cannot name a file.
    """
    if not system or Path(system).name != system:
        raise RunError(f"system name {system!r} cannot name a file; leave out slashes")
    suffix = "" if protocol == schema.FULL else f".{protocol}"
    return run / schema.RANKS_FOLDER / f"{system}{suffix}.parquet"


def save_ranks(ranks: pl.DataFrame, run: Path, system: str, protocol: str = schema.FULL) -> Path:
    """Write a ranks table into a run folder and return its path."""
    target = ranks_file(run, system, protocol)
    with written_aside(target) as aside:
        ranks.write_parquet(aside)
    return target


def load_ranks(run: Path, system: str, protocol: str = schema.FULL) -> pl.DataFrame:
    """Read a ranks table of a run folder.

    Raises:
        RunError: there is none, or the file is not a ranks table.
    """
    source = ranks_file(run, system, protocol)
    if not source.is_file():
        raise RunError(f"{source} is missing; evaluate {system!r} under {protocol!r} first")
    try:
        ranks = pl.read_parquet(source)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise RunError(f"{source} is not readable Parquet ({fault}); evaluate again") from fault
    missing = [column for column in _COLUMNS if column not in ranks.columns]
    if missing:
        raise RunError(f"{source} has no column {', '.join(missing)}; evaluate again")
    return ranks
