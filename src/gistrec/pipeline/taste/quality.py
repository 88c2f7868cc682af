"""The quality of a stage's tastes, against the truth where a bazaar knows it."""

from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.bazaar.truth import SINCE, open_truth
from gistrec.data.bazaar.words import CIRCLE, VALUES
from gistrec.files import read_json, write_json
from gistrec.pipeline.states import has_oracle
from gistrec.pipeline.taste.moments import Places, moments_of
from gistrec.pipeline.workplace import Workplace
from gistrec.taste.quality import TasteQuality, taste_quality

_QUALITY = "quality.json"


def measured_tastes(
    work: Workplace, places: Places, table: pl.DataFrame, lines: list[str]
) -> TasteQuality:
    """Measure what was told.

    Args:
        work: the run.
        places: where it was told.
        table: of all of them, by their names.
        lines: what each item was told by.
    """
    histories = {name: place.items for name, place in places.items()}
    return taste_quality(table, histories, lines, work.config.taste.words, _truth(work, places))


def write_quality(folder: Path, quality: TasteQuality) -> None:
    """Write it into the stage's folder, atomically."""
    write_json(folder / _QUALITY, quality.model_dump(mode="json"))


def read_quality(folder: Path) -> TasteQuality:
    """The quality of a finished stage's tastes."""
    return TasteQuality.model_validate(read_json(folder / _QUALITY))


def _truth(work: Workplace, places: Places) -> pl.DataFrame | None:
    """What was liked in each place at each moment; None where the dataset hides no truth.

    A moment is found by the timestamp of the last item: a history may lack items by then.
    """
    if not has_oracle(work.dataset.folder):
        return None
    rows = [
        (name, moment, places[name].user, int(places[name].times[moment - 1]))
        for name, moment in moments_of(places)
        if moment
    ]
    asked = pl.DataFrame(
        rows,
        schema={
            schema.USER_ID: pl.String,
            schema.MOMENT: pl.Int64,
            "user": pl.String,
            SINCE: pl.Int64,
        },
        orient="row",
    )
    shown = [name for name in VALUES if name != CIRCLE]  # no item shows that one
    liked = open_truth(work.dataset.folder).moments.select(
        pl.col(schema.USER_ID).alias("user"), SINCE, *shown
    )
    found = asked.join(liked, on=["user", SINCE], how="inner", maintain_order="left")
    return found.select(schema.USER_ID, schema.MOMENT, *shown)
