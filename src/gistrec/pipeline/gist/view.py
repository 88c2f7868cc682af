"""What a finished run's gists are like: one item's, or all of them in a few numbers."""

from difflib import get_close_matches
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec import schema
from gistrec.errors import DataError
from gistrec.gist.quality import GistQuality
from gistrec.gist.tuning.report import TuningReport
from gistrec.pipeline.gist.table import read_gists, read_quality
from gistrec.pipeline.gist.tuning import GIST_TUNING, gist_tuning_report
from gistrec.pipeline.manifest import read_manifest

_STAGE, _SAMPLES = "gist", 10


class ItemGist(BaseModel):
    """One item's gist, and who made it.

    Attributes:
        image_keywords, text_keywords: empty where nothing of the kind was asked or no answer was a
            list of keywords; in style sentences always.
        image_sentence, text_sentence, summary: likewise None; in style keywords always.
        image_valid, text_valid: whether it was one; None where nothing was asked.
        summary_valid: the same of what joins the two sentences; where it is false, the summary is
            one after the other.
        model, adapter, prompt_version: who answered, and to which prompts.
        seconds: this item's share of the answering.
    """

    model_config = ConfigDict(frozen=True)

    item_id: str
    image_keywords: tuple[str, ...]
    text_keywords: tuple[str, ...]
    image_sentence: str | None
    text_sentence: str | None
    summary: str | None
    image_valid: bool | None
    text_valid: bool | None
    summary_valid: bool | None
    model: str
    adapter: str | None
    prompt_version: str
    seconds: float

    def image(self) -> str:
        """What is told of the image, in words."""
        return _told(self.image_sentence, self.image_keywords, self.image_valid)

    def text(self) -> str:
        """What is told of the text, in words."""
        return _told(self.text_sentence, self.text_keywords, self.text_valid)

    def table(self) -> Table:
        """For a person to read."""
        table = Table(title=escape(f"Gist of {self.item_id}"), title_justify="left")
        table.add_column("what")
        table.add_column("told")
        rows = [
            ("image", self.image()),
            ("text", self.text()),
            *([("summary", self.summary)] if self.summary else []),
            ("model", self.model),
            *([("adapter", self.adapter)] if self.adapter else []),
            ("prompts", f"version {self.prompt_version}"),
            ("seconds", f"{self.seconds:.3f}"),
        ]
        for row in rows:
            table.add_row(*map(escape, row))
        return table


class GistView(BaseModel):
    """All gists of a run: their quality, and some of them.

    Attributes:
        tuning: what tuning the model that wrote them came to; None where it was not tuned.
    """

    model_config = ConfigDict(frozen=True)

    quality: GistQuality
    tuning: TuningReport | None
    samples: tuple[ItemGist, ...]

    def tables(self) -> tuple[Table, Table]:
        """For a person to read: the numbers, then the samples."""
        numbers = Table(title="Quality of the gists", title_justify="left")
        numbers.add_column("what")
        numbers.add_column("value", justify="right")
        for line in self.quality.told():
            numbers.add_row(*map(escape, line))
        samples = Table(title="Some of them", title_justify="left")
        joined = self.quality.sentences is not None
        for column in ("item", "image", "text", *(["summary"] if joined else [])):
            samples.add_column(column)
        for item in self.samples:
            summary = [item.summary or ""] if joined else []
            samples.add_row(*map(escape, (item.item_id, item.image(), item.text(), *summary)))
        return numbers, samples


def item_gist(run: Path, item: str) -> ItemGist:
    """The gist of one item of a finished run.

    Raises:
        RunError: the run has no gists, or those of an earlier gistrec.
        DataError: it has no such item.
    """
    gists = _gists(run)
    found = gists.filter(pl.col(schema.ITEM_ID) == item)
    if found.is_empty():
        near = get_close_matches(item, gists[schema.ITEM_ID].to_list(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no item {item!r} among the {len(gists):,} of {run}{hint}")
    return ItemGist.model_validate(found.row(0, named=True))


def gist_view(run: Path) -> GistView:
    """The quality of a finished run's gists, and some of them, evenly from the whole catalogue.

    Raises:
        RunError: the run has no gists, or those of an earlier gistrec.
    """
    gists = _gists(run)
    places = np.unique(np.linspace(0, len(gists) - 1, min(_SAMPLES, len(gists))).astype(np.int64))
    samples = [ItemGist.model_validate(gists.row(place, named=True)) for place in places.tolist()]
    tuned = GIST_TUNING in read_manifest(run / _STAGE).inputs
    return GistView(
        quality=read_quality(run / _STAGE),
        tuning=gist_tuning_report(run) if tuned else None,
        samples=tuple(samples),
    )


def _gists(run: Path) -> pl.DataFrame:
    read_manifest(run / _STAGE)
    return read_gists(run / _STAGE)


def _told(sentence: str | None, keywords: tuple[str, ...], valid: bool | None) -> str:
    if valid is None:
        return "nothing to ask about"
    return sentence or ", ".join(keywords) if valid else "no answer was what was asked for"
