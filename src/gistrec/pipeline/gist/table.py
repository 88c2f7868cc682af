"""The finished table of gists and its quality, read without a model."""

from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside
from gistrec.gist.quality import GistQuality

_GISTS, _QUALITY = "gists.parquet", "quality.json"


def write_gists(folder: Path, gists: pl.DataFrame, quality: GistQuality) -> None:
    """Write both into a stage's folder, atomically."""
    with written_aside(folder / _GISTS) as aside:
        gists.write_parquet(aside)
    write_json(folder / _QUALITY, quality.model_dump(mode="json"))


def read_gists(folder: Path) -> pl.DataFrame:
    """The gists of a finished stage.

    Raises:
        RunError: they are those of an earlier gistrec.
    """
    gists = pl.read_parquet(folder / _GISTS)
    if schema.SUMMARY_VALID not in gists.columns:
        raise RunError(
            f"the gists in {folder} are those of an earlier gistrec, which did not note all that "
            "this one reads: give the `gistrec run` command again"
        )
    return gists


def read_quality(folder: Path) -> GistQuality:
    """The quality of a finished stage's gists.

    Raises:
        OSError: it has none, as an earlier gistrec did not measure it.
    """
    return GistQuality.model_validate(read_json(folder / _QUALITY))
