"""How good a table of gists is: whether answers were lists, and what gists tell of the items."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict
from scipy.special import digamma

from gistrec import schema
from gistrec.gist.guards import copying, repetition, sameness, stands_in, words_of
from gistrec.mllm.prompts import listed
from gistrec.text.encoder import SentenceEncoder

Floats = npt.NDArray[np.float32]
_MOST = 10_000  # items that retrieval is measured on
_CHUNK = 1024  # gists compared with all texts at once
_SAME = 1e-6  # cosines nearer than that are ties
_FAR = 10  # of hit_10


class Retrieval(BaseModel):
    """Whether phi(gist) finds its own item's title and text among those of all items.

    Ties count as the expectation over random order, so that empty gists get chance.

    Attributes:
        among: items with words that are compared; a sample where the catalogue has more.
        hit_1: share of the gists whose own item comes first.
        hit_10: share of those whose own item is among the first ten.
        mrr: mean of one over its place.
    """

    model_config = ConfigDict(frozen=True)

    among: int
    hit_1: float
    hit_10: float
    mrr: float


class GistQuality(BaseModel):
    """Quality of a table of gists.

    Attributes:
        items: rows of the table.
        image_keywords, text_keywords: on average, of the items asked about.
        image_valid, text_valid: share of those with an answer that is a list; None where nothing
            was asked.
        copied: share of the text keywords of an item that stand in its words as they are.
        repeated: share of a gist's words that stood in it before.
        most_frequent: share of the gists that are the most frequent one.
        distinct: distinct gists over gists.
        encoder: sentence encoder that retrieval is measured by.
        retrieval: None where no item has words.
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
    only_in_image: dict[str, float]

    def told(self) -> list[tuple[str, str]]:
        """Lines for a person: what, and how much."""
        lines = [("items", f"{self.items:,}")]
        for name, mean, valid in (
            ("image", self.image_keywords, self.image_valid),
            ("text", self.text_keywords, self.text_valid),
        ):
            if mean is not None and valid is not None:
                lines.append((f"{name} keywords an item", f"{mean:.2f}"))
                lines.append((f"{name} answers that are lists", f"{valid:.1%}"))
        lines.append(("text keywords copied word for word", f"{self.copied:.1%}"))
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
) -> GistQuality:
    """Measure a finished table.

    Args:
        gists: item_id, image_keywords, text_keywords, image_valid, text_valid.
        texts: title and text of the same items, in the same order; "" without.
        encoder: phi.
        hidden: item_id and one string column for each attribute that only images show.
    """
    seen, read = gists[schema.IMAGE_KEYWORDS].to_list(), gists[schema.TEXT_KEYWORDS].to_list()
    whole = [[*image, *text] for image, text in zip(seen, read, strict=True)]
    same = sameness(whole)
    spoken = [code for code, keywords in enumerate(read) if keywords]
    copied = copying([read[code] for code in spoken], [texts[code] for code in spoken])
    told = [gist for gist in whole if gist]
    return GistQuality(
        items=len(gists),
        image_keywords=_mean_length(gists, schema.IMAGE_KEYWORDS, schema.IMAGE_VALID),
        text_keywords=_mean_length(gists, schema.TEXT_KEYWORDS, schema.TEXT_VALID),
        image_valid=_share(gists[schema.IMAGE_VALID]),
        text_valid=_share(gists[schema.TEXT_VALID]),
        copied=_mean(copied),
        repeated=_mean(repetition(told)),
        most_frequent=same.most_frequent,
        distinct=same.distinct,
        encoder=encoder.name,
        retrieval=retrieval([listed(gist) for gist in whole], texts, encoder),
        only_in_image={} if hidden is None else only_in_image(gists, whole, hidden),
    )


def retrieval(
    gists: Sequence[str], texts: Sequence[str], encoder: SentenceEncoder
) -> Retrieval | None:
    """Look for each item's text with its gist; None where no item has a text.

    Args:
        gists: n gists, each in one line.
        texts: n titles and texts; items without are left out.
        encoder: phi.
    """
    worded = [code for code, text in enumerate(texts) if text.strip()]
    if len(worded) > _MOST:
        chosen = np.random.default_rng(0).choice(len(worded), _MOST, replace=False)
        worded = [worded[at] for at in np.sort(chosen).tolist()]
    if not worded:
        return None
    asked = encoder.encode([gists[code] for code in worded])
    meant = encoder.encode([texts[code] for code in worded])
    nearer, ties = _places(asked, meant)
    return Retrieval(
        among=len(worded),
        hit_1=_mean(np.clip((1 - nearer) / (ties + 1), 0, 1)),
        hit_10=_mean(np.clip((_FAR - nearer) / (ties + 1), 0, 1)),
        # The mean of 1/k over the places that ties may take: a difference of harmonic numbers.
        mrr=_mean((digamma(nearer + ties + 2) - digamma(nearer + 1)) / (ties + 1)),
    )


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


def _places(asked: Floats, meant: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of ``asked``: rows of ``meant`` nearer than its own, and others as near."""
    nearer, ties = [], []
    for start in range(0, len(asked), _CHUNK):
        cosines = asked[start : start + _CHUNK] @ meant.T
        rows = np.arange(len(cosines))
        gap = cosines - cosines[rows, rows + start][:, None]
        nearer.append((gap > _SAME).sum(axis=1))
        ties.append((np.abs(gap) <= _SAME).sum(axis=1) - 1)
    return np.concatenate(nearer), np.concatenate(ties)


def _mean_length(gists: pl.DataFrame, keywords: str, valid: str) -> float | None:
    asked = gists.filter(pl.col(valid).is_not_null())
    return _mean(asked[keywords].list.len().to_numpy()) if len(asked) else None


def _share(valid: pl.Series) -> float | None:
    asked = valid.drop_nulls()
    return _mean(asked.to_numpy()) if len(asked) else None


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(values.astype(np.float64).mean()) if len(values) else 0.0
