"""Stage `gist`: every item to keywords."""

from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.files import written_aside
from gistrec.gist.summarise import Catalogue, summarise
from gistrec.mllm.engines.engine import Engine
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.engines.server import open_server_engine
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.backbone import open_backbone, open_features
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace

_FILE, _ANSWERS = "gists.parquet", "answers.jsonl"


def gist_stage(work: Workplace, backbone: Path) -> pl.DataFrame:
    """Ask for every item's gist, or read them."""
    config = work.config.gist

    def build(folder: Path) -> Facts:
        features = open_features(work, backbone)
        catalogue = Catalogue(work.dataset.item_ids, work.titles, work.texts, features.__contains__)
        engine = _engine(work, backbone, features)
        summary = summarise(engine, catalogue, config, folder / _ANSWERS)
        gists = summary.gists
        with written_aside(folder / _FILE) as aside:
            gists.write_parquet(aside)
        lengths = gists.select(pl.col(schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS).list.len())
        return {
            "engine": engine.name,
            "items": len(gists),
            "image_keywords_an_item": _mean(lengths[schema.IMAGE_KEYWORDS]),
            "text_keywords_an_item": _mean(lengths[schema.TEXT_KEYWORDS]),
            "invalid_image": int((~gists[schema.IMAGE_VALID]).sum()),
            "invalid_text": int((~gists[schema.TEXT_VALID]).sum()),
            "asked_again": summary.asked_again,
        }

    inputs = {"dataset": work.dataset.fingerprint, "prompts": PROMPT_VERSION}
    if config.engine.kind == "local":
        inputs["backbone"] = stage_fingerprint(backbone)
    # What changes no answer may change without the answers being asked for again.
    folder = run_stage(work.run, "gist", config.deciding(), inputs, build, code="2")
    return read_gists(folder)


def read_gists(folder: Path) -> pl.DataFrame:
    """The gists of a finished stage."""
    return pl.read_parquet(folder / _FILE)


def _engine(work: Workplace, backbone: Path, features: ImageFeatures) -> Engine:
    config = work.config.gist
    if config.engine.kind == "server":
        return open_server_engine(config.engine, work.dataset.image_bytes)
    opened = open_backbone(backbone, work.config.backbone)
    return LocalEngine(opened, features, config.batch_size)


def _mean(lengths: pl.Series) -> float:
    return round(float(lengths.to_numpy().mean()), 2)
