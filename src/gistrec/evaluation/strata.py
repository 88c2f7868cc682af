"""The same metrics where it is hard: rare targets, short histories."""

from collections.abc import Iterator

import polars as pl

from gistrec import schema

FREQUENCY = "frequency"  # of the target in the training log
LENGTH = "length"  # of the history
STRATA = {
    FREQUENCY: (schema.TARGET_COUNT, schema.FREQUENCY_STRATA),
    LENGTH: (schema.HISTORY_LENGTH, schema.LENGTH_STRATA),
}


def strata(ranks: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield (what is stratified, label, its rows of the ranks table) where there are any rows."""
    for name, (column, bounds) in STRATA.items():
        for label, lowest, highest in bounds:
            within = pl.col(column) >= lowest
            if highest is not None:
                within &= pl.col(column) <= highest
            rows = ranks.filter(within)
            if len(rows):
                yield name, label, rows
