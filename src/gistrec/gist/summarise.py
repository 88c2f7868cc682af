"""Every item to a gist: keywords of its image and of its text, asked for apart (MMSRARec 3.3).

Departures from the paper:
1. An item without image or without text gives only the keywords of what it has.
2. Keywords of the two modalities stay apart in the table, so that either can be withheld.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.files import written_aside
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import generate
from gistrec.mllm.images import ImageFeatures
from gistrec.mllm.packing import Tokens
from gistrec.mllm.shortening import text_question
from gistrec.progress import track

_SHARD = 2048  # items whose answers are saved together; an interrupted stage goes on after them
_SCHEMA = pl.Schema(
    {
        schema.ITEM_ID: pl.String(),
        schema.IMAGE_KEYWORDS: pl.List(pl.String),
        schema.TEXT_KEYWORDS: pl.List(pl.String),
    }
)


@dataclass(frozen=True)
class Catalogue:
    """What there is to be summarised: n_items ids, titles, texts, and features of their images."""

    item_ids: pl.Series
    titles: Sequence[str]
    texts: Sequence[str]
    features: ImageFeatures


def summarise(
    backbone: Backbone, catalogue: Catalogue, config: GistConfig, work: Path
) -> pl.DataFrame:
    """Ask the backbone for the gist of every item.

    Args:
        backbone: who is asked.
        catalogue: the items.
        config: how many keywords, how long an answer.
        work: a folder for finished shards; those that stand there are not asked for again.

    Returns:
        item_id, image_keywords, text_keywords (lists of words), in catalogue order.
    """
    work.mkdir(parents=True, exist_ok=True)
    shards = []
    for start in track(range(0, len(catalogue.item_ids), _SHARD), "gists, by shards of 2048 items"):
        file = work / f"{start:09d}.parquet"
        if not file.exists():
            codes = range(start, min(start + _SHARD, len(catalogue.item_ids)))
            shard = _summarise(backbone, catalogue, codes, config)
            with written_aside(file) as aside:
                shard.write_parquet(aside)
        shards.append(pl.read_parquet(file))
    return pl.concat(shards)


def _summarise(
    backbone: Backbone, catalogue: Catalogue, codes: range, config: GistConfig
) -> pl.DataFrame:
    seen: dict[int, tuple[str, ...]] = {}
    read: dict[int, tuple[str, ...]] = {}
    looking = [code for code in codes if code in catalogue.features and config.image_keywords]
    questions = [
        backbone.question(prompts.image_keywords(code), catalogue.features.grid) for code in looking
    ]
    for row, answer in _answers(backbone, questions, catalogue.features, config):
        seen[looking[row]] = prompts.parsed(answer, config.image_keywords)
    reading = [
        code
        for code in codes
        if (catalogue.titles[code] or catalogue.texts[code]) and config.text_keywords
    ]
    questions = [
        text_question(
            backbone, catalogue.titles[code], catalogue.texts[code], config.max_text_tokens
        )
        for code in reading
    ]
    for row, answer in _answers(backbone, questions, catalogue.features, config):
        read[reading[row]] = prompts.parsed(answer, config.text_keywords)
    return pl.DataFrame(
        {
            schema.ITEM_ID: catalogue.item_ids[codes.start : codes.stop],
            schema.IMAGE_KEYWORDS: [list(seen.get(code, ())) for code in codes],
            schema.TEXT_KEYWORDS: [list(read.get(code, ())) for code in codes],
        },
        schema=_SCHEMA,
    )


def _answers(
    backbone: Backbone, questions: Sequence[Tokens], features: ImageFeatures, config: GistConfig
) -> Iterator[tuple[int, str]]:
    return generate(backbone, questions, features, config.max_new_tokens, config.batch_size)
