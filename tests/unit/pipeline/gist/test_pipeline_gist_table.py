from pathlib import Path

import polars as pl
import pytest

from gistrec import schema
from gistrec.errors import RunError
from gistrec.pipeline.gist.table import read_gists


def test_gists_without_summaries_are_of_an_earlier_gistrec(tmp_path: Path) -> None:
    table = pl.DataFrame({schema.ITEM_ID: ["a"], schema.SUMMARY_VALID: [True]})
    table.write_parquet(tmp_path / "gists.parquet")
    assert read_gists(tmp_path).equals(table)
    table.drop(schema.SUMMARY_VALID).write_parquet(tmp_path / "gists.parquet")
    with pytest.raises(RunError, match=r"earlier gistrec.*give the `gistrec run` command again"):
        read_gists(tmp_path)
