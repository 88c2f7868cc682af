"""One thing that is wrong with a dataset, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gistrec.errors import DataError

_SHOWN = 5  # fatal defects that one message lists


@dataclass(frozen=True)
class Defect:
    """Something wrong in a dataset's files.

    Attributes:
        file: its name in the dataset's folder.
        row: the first row it occurs in, counted from 0; None where it is not about a row.
        field: column (or key) it is about; "" where it is about the file.
        what: what is wrong, and what to do or what is done about it.
        fatal: whether the dataset cannot be opened before this is mended.
        count: how many rows, items or users have it.
    """

    file: str
    row: int | None
    field: str
    what: str
    fatal: bool
    count: int = 1

    def __str__(self) -> str:
        place = self.file + ("" if self.row is None else f", row {self.row}")
        place += f", {self.field}" if self.field else ""
        more = f" ({self.count:,} times)" if self.count > 1 else ""
        return f"{place}: {self.what}{more}"


def defects_at(wrong: pl.Series, file: str, field: str, what: str, *, fatal: bool) -> list[Defect]:
    """One defect for all rows that ``wrong`` (bool, null is not wrong) marks; [] for none."""
    count = int(wrong.sum())
    if not count:
        return []
    first = int(np.argmax(wrong.fill_null(False).to_numpy()))
    return [Defect(file, first, field, what, fatal, count)]


def refuse_fatal(defects: Sequence[Defect], where: str) -> None:
    """Let nothing pass that cannot be worked with.

    Raises:
        DataError: at least one defect is fatal; the message lists the first few.
    """
    fatal = [defect for defect in defects if defect.fatal]
    if not fatal:
        return
    lines = [f"  {defect}" for defect in fatal[:_SHOWN]]
    if len(fatal) > _SHOWN:
        lines.append(f"  and {len(fatal) - _SHOWN} more (gistrec data check shows all)")
    raise DataError("\n".join([f"{where} cannot be used:", *lines]))
