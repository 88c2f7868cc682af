"""How good a table of gists is: whether answers were valid, and what gists tell of the items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from gistrec import schema
from gistrec.config.gist import Style
from gistrec.gist.guards import copying, repetition, sameness, stands_in, words_of
from gistrec.gist.retrieval import Retrieval, retrieval
from gistrec.gist.sentence_quality import SentenceQuality, sentence_quality
from gistrec.mllm.prompts import listed
from gistrec.text.encoder import SentenceEncoder


@dataclass(frozen=True)
class _Told:
    """What gists say of n items: all of it, and what comes from the text word by word."""

    whole: list[list[str]]
    read: list[list[str]]


class GistQuality(BaseModel):
    """Quality of a table of gists.

    Attributes:
        items: rows of the table.
        image_keywords, text_keywords: on average, of the items asked about; None in sentences.
        image_valid, text_valid: share of those with an answer that is a list, or a sentence; None
            where nothing was asked.
        copied: share of the text keywords of an item, or of the words of its text's sentence, that
            stand in its words as they are.
        repeated: share of a gist's words that stood in it before.
        most_frequent: share of the gists that are the most frequent one.
        distinct: distinct gists over gists.
        encoder: sentence encoder that retrieval is measured by.
        retrieval: None where no item has words.
        sentences: None in keywords.
        only_in_image: of each attribute that only images show, the share of pictured items whose
            value their gist tells; empty where none is known.
    """

    model_config = ConfigDict(frozen=True)

    items: int
    image_keywords: float | None
    text_keywords: float | None
    image_valid: float | None
    text_valid: float | None
    copied: float
    repeated: float
    most_frequent: float
    distinct: float
    encoder: str
    retrieval: Retrieval | None
    sentences: SentenceQuality | None = None
    only_in_image: dict[str, float]

    def told(self) -> list[tuple[str, str]]:
        """Lines for a person: what, and how much."""
        kind, read = "lists", "text keywords"
        if self.sentences is not None:
            kind, read = "sentences", "words of the text's sentence"
        lines = [("items", f"{self.items:,}")]
        for name, mean, valid in (
            ("image", self.image_keywords, self.image_valid),
            ("text", self.text_keywords, self.text_valid),
        ):
            if mean is not None:
                lines.append((f"{name} keywords an item", f"{mean:.2f}"))
            if valid is not None:
                lines.append((f"{name} answers that are {kind}", f"{valid:.1%}"))
        lines += [] if self.sentences is None else self.sentences.told()
        lines.append((f"{read} copied word for word", f"{self.copied:.1%}"))
        lines.append(("words repeated within a gist", f"{self.repeated:.1%}"))
        lines.append(("distinct gists", f"{self.distinct:.1%}"))
        lines.append(("gists that are the most frequent one", f"{self.most_frequent:.1%}"))
        if self.retrieval is not None:
            found = self.retrieval
            lines.append((f"finds its item among {found.among:,} ({self.encoder})", ""))
            lines.append(("  first", f"{found.hit_1:.1%}"))
            lines.append(("  among the first ten", f"{found.hit_10:.1%}"))
            lines.append(("  mean of 1 / place", f"{found.mrr:.3f}"))
        for name, share in self.only_in_image.items():
            lines.append((f"{name}, in the image alone, told", f"{share:.1%}"))
        return lines


def quality(
    gists: pl.DataFrame,
    texts: Sequence[str],
    encoder: SentenceEncoder,
    hidden: pl.DataFrame | None = None,
    style: Style = "keywords",
) -> GistQuality:
    """Measure a finished table.

    Args:
        gists: as ``summarise`` makes it.
        texts: title and text of the same items, in the same order; "" without.
        encoder: phi.
        hidden: item_id and one string column for each attribute that only images show.
        style: of the table.
    """
    told = _in_keywords(gists) if style == "keywords" else _in_sentences(gists)
    in_lists = gists if style == "keywords" else gists.clear()
    same = sameness(told.whole)
    spoken = [code for code, words in enumerate(told.read) if words]
    copied = copying([told.read[code] for code in spoken], [texts[code] for code in spoken])
    return GistQuality(
        items=len(gists),
        image_keywords=_mean_length(in_lists, schema.IMAGE_KEYWORDS, schema.IMAGE_VALID),
        text_keywords=_mean_length(in_lists, schema.TEXT_KEYWORDS, schema.TEXT_VALID),
        image_valid=_share(gists[schema.IMAGE_VALID]),
        text_valid=_share(gists[schema.TEXT_VALID]),
        copied=_mean(copied),
        repeated=_mean(repetition([gist for gist in told.whole if gist])),
        most_frequent=same.most_frequent,
        distinct=same.distinct,
        encoder=encoder.name,
        retrieval=retrieval([listed(gist) for gist in told.whole], texts, encoder),
        sentences=sentence_quality(gists) if style == "sentences" else None,
        only_in_image={} if hidden is None else only_in_image(gists, told.whole, hidden),
    )


def _in_keywords(gists: pl.DataFrame) -> _Told:
    seen, read = gists[schema.IMAGE_KEYWORDS].to_list(), gists[schema.TEXT_KEYWORDS].to_list()
    return _Told([[*image, *text] for image, text in zip(seen, read, strict=True)], read)


def _in_sentences(gists: pl.DataFrame) -> _Told:
    """A summary stands for a gist of one long keyword."""
    whole = [[line] if line else [] for line in gists[schema.SUMMARY].to_list()]
    return _Told(whole, [words_of(line or "") for line in gists[schema.TEXT_SENTENCE].to_list()])


def only_in_image(
    gists: pl.DataFrame, whole: Sequence[Sequence[str]], hidden: pl.DataFrame
) -> dict[str, float]:
    """Of each attribute the share of pictured items whose value stands in their gist.

    Args:
        gists: item_id and image_valid, n rows.
        whole: n gists.
        hidden: item_id and one string column an attribute.
    """
    joined = gists.select(schema.ITEM_ID).join(
        hidden, on=schema.ITEM_ID, how="left", maintain_order="left"
    )
    pictured = gists[schema.IMAGE_VALID].is_not_null().to_list()
    shares = {}
    for name in joined.columns[1:]:
        values = joined[name].cast(pl.String).to_list()
        told = [
            any(stands_in(words_of(value), words_of(keyword)) for keyword in gist)
            for value, gist, has in zip(values, whole, pictured, strict=True)
            if has and value is not None
        ]
        if told:
            shares[name] = sum(told) / len(told)
    return shares


def _mean_length(gists: pl.DataFrame, keywords: str, valid: str) -> float | None:
    asked = gists.filter(pl.col(valid).is_not_null())
    return _mean(asked[keywords].list.len().to_numpy()) if len(asked) else None


def _share(valid: pl.Series) -> float | None:
    asked = valid.drop_nulls()
    return _mean(asked.to_numpy()) if len(asked) else None


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(values.astype(np.float64).mean()) if len(values) else 0.0
