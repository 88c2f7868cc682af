"""Stage `gist`: every item to keywords."""

from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.files import written_aside
from gistrec.gist.summarise import Catalogue, summarise
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.backbone import open_backbone, open_features
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace

_FILE = "gists.parquet"


def gist_stage(work: Workplace, backbone: Path) -> pl.DataFrame:
    """Ask the backbone for every item's gist, or read them."""

    def build(folder: Path) -> Facts:
        catalogue = Catalogue(
            work.dataset.item_ids, work.titles, work.texts, open_features(backbone)
        )
        gists = summarise(
            open_backbone(backbone, work.config.backbone),
            catalogue,
            work.config.gist,
            folder / "shards",
        )
        with written_aside(folder / _FILE) as aside:
            gists.write_parquet(aside)
        lengths = gists.select(pl.col(schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS).list.len())
        return {
            "items": len(gists),
            "image_keywords_an_item": _mean(lengths[schema.IMAGE_KEYWORDS]),
            "text_keywords_an_item": _mean(lengths[schema.TEXT_KEYWORDS]),
        }

    inputs = {
        "backbone": stage_fingerprint(backbone),
        "dataset": work.dataset.fingerprint,
        "prompts": PROMPT_VERSION,
    }
    folder = run_stage(work.run, "gist", work.config.gist, inputs, build)
    return read_gists(folder)


def read_gists(folder: Path) -> pl.DataFrame:
    """The gists of a finished stage."""
    return pl.read_parquet(folder / _FILE)


def _mean(lengths: pl.Series) -> float:
    return round(float(lengths.to_numpy().mean()), 2)
