"""Stage `gist`: every item to keywords or sentences."""

from pathlib import Path

import polars as pl
from pydantic import JsonValue

from gistrec import schema
from gistrec.data.bazaar.truth import open_truth
from gistrec.data.bazaar.words import COLOUR, PATTERN
from gistrec.gist.asking import Catalogue
from gistrec.gist.quality import GistQuality, quality
from gistrec.gist.summarise import summarise
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.backbone import image_digests
from gistrec.pipeline.engines import answering, open_engine
from gistrec.pipeline.gist.table import read_gists as read_gists
from gistrec.pipeline.gist.table import write_gists
from gistrec.pipeline.gist.tuning import GIST_TUNING
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.states import has_oracle
from gistrec.pipeline.workplace import Workplace
from gistrec.text.encoder import open_sentence_encoder

_NAME, _ANSWERS = "gist", "answers.jsonl"


def gist_stage(work: Workplace, backbone: Path, tuned: Path | None = None) -> pl.DataFrame:
    """Ask for every item's gist, or read them.

    Answers of the stage's earlier table are taken over where model, prompt and item are the same.

    Args:
        work: the run.
        backbone: folder of the finished stage `backbone`.
        tuned: folder of the finished stage `gist-tuning`, whose model answers in its place.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    config = work.config.gist

    def build(folder: Path) -> Facts:
        titles, texts = work.titles, work.texts
        catalogue = Catalogue(work.dataset.item_ids, titles, texts, image_digests(backbone))
        engine = open_engine(work, config.engine, config.batch_size, backbone, tuned)
        who = answering(work, config.engine, backbone, tuned)
        earlier = work.run / _NAME / _ANSWERS
        summary = summarise(engine, catalogue, config, folder / _ANSWERS, who, earlier)
        words = [f"{title}\n{text}".strip() for title, text in zip(titles, texts, strict=True)]
        encoder = open_sentence_encoder(config.encoder, words)
        found = quality(summary.gists, words, encoder, _hidden(work), config.style)
        write_gists(folder, summary.gists, found)
        return {
            "engine": engine.name,
            "model": who.model,
            "adapter": who.adapter,
            "asked": summary.asked,
            "asked_again": summary.asked_again,
            "taken_over": summary.taken_over,
            "asking_seconds": round(summary.seconds, 3),
            **_facts(summary.gists, found),
        }

    inputs = {"dataset": work.dataset.fingerprint, "prompts": PROMPT_VERSION}
    if config.engine.kind == "local":
        inputs["backbone"] = stage_fingerprint(backbone)
    if tuned is not None:
        inputs[GIST_TUNING] = stage_fingerprint(tuned)
    # What changes no answer may change without the answers being asked for again.
    folder = run_stage(work.run, _NAME, config.deciding(), inputs, build, code="5")
    return read_gists(folder)


def _hidden(work: Workplace) -> pl.DataFrame | None:
    """What only the images of a bazaar show."""
    if not has_oracle(work.dataset.folder):
        return None
    return open_truth(work.dataset.folder).items.select(schema.ITEM_ID, COLOUR, PATTERN)


def _facts(gists: pl.DataFrame, found: GistQuality) -> Facts:
    told = found.retrieval
    return {
        "items": len(gists),
        "image_keywords_an_item": _rounded(found.image_keywords),
        "text_keywords_an_item": _rounded(found.text_keywords),
        "invalid_image": int((~gists[schema.IMAGE_VALID]).sum()),
        "invalid_text": int((~gists[schema.TEXT_VALID]).sum()),
        "sentences": _sentences(found),
        "distinct_gists": _rounded(found.distinct),
        "encoder": found.encoder,
        "retrieval_hit_1": None if told is None else _rounded(told.hit_1),
        "retrieval_mrr": None if told is None else _rounded(told.mrr),
        "only_in_image": {name: _rounded(share) for name, share in found.only_in_image.items()},
    }


def _sentences(found: GistQuality) -> dict[str, JsonValue] | None:
    if found.sentences is None:
        return None
    return {name: _rounded(value) for name, value in found.sentences}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
