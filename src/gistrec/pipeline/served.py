"""Stages `served-<protocol>`: a run's questions, scored by its fine-tuned model on a server."""

import shutil
from pathlib import Path

from gistrec.config.engine import EngineConfig
from gistrec.config.evaluation import Protocol
from gistrec.data.split import Split
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.ranks import load_ranks, ranks_file, save_ranks
from gistrec.evaluation.row import Measured, Row, make_row
from gistrec.files import written_aside
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.engines.server_scoring import Scored, open_server_scorer
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.baselines import stage_name
from gistrec.pipeline.collab import asked_neighbours, retrieved_candidates
from gistrec.pipeline.evaluation import asked_protocols
from gistrec.pipeline.manifest import (
    Facts,
    Manifest,
    find_manifest,
    read_manifest,
    stage_fingerprint,
)
from gistrec.pipeline.recommender import Recommender, retrieved_items
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.taste.stage import TASTE, read_tastes
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.known import Known
from gistrec.recommender.nearby import nearby_items
from gistrec.recommender.served import ServedRanker

_ANSWERS = "answers.jsonl"
_TOGETHER = 16  # users asked about between two steps of the progress


def served_system(work: Workplace) -> str:
    """How leaderboards call the run's system where a server scores."""
    return f"{work.config.name}@server"


def served_stage(
    work: Workplace,
    split: Split,
    protocol: Protocol,
    engine: EngineConfig,
    recommender: Recommender,
) -> Manifest:
    """Rank a protocol's questions by a server's scores; where they stand, they stay.

    Args:
        work: the run.
        split: the questions.
        protocol: one that the run was measured by.
        engine: the server, and which of its models.
        recommender: the same model here, for what is asked and for the start check.

    Raises:
        EngineError: the server does not answer, or scores otherwise than the model here.
    """
    queries = asked_protocols(work, split)[protocol]
    item_ids = work.dataset.item_ids

    def build(folder: Path) -> Facts:
        collab = work.run / "collab"
        tastes = None if work.config.taste.kind == "none" else read_tastes(work.run / TASTE)
        scorer = open_server_scorer(engine, recommender.backbone, work.dataset.image_bytes)
        with Journal.open(folder / _ANSWERS, Scored.read) as journal:
            ranker = ServedRanker(
                served_system(work),
                recommender.backbone,
                recommender.prompter,
                scorer,
                journal,
                Known(
                    nearby_items(asked_neighbours(collab), item_ids),
                    retrieved_items(retrieved_candidates(collab), item_ids),
                    taste_of=None if tastes is None else tastes.of_asked,
                ),
                recommender.n_items,
            )
            ranks = rank_queries(ranker, queries, protocol, item_ids, split.train_counts, _TOGETHER)
        save_ranks(ranks, folder, served_system(work), protocol)
        return {"model": engine.model, "url": engine.url, "read_otherwise": ranker.read_otherwise}

    inputs = {
        "dataset": work.dataset.fingerprint,
        "split": split.fingerprint,
        "recommender": stage_fingerprint(work.run / "recommender"),
        "prompts": PROMPT_VERSION,
        "system": served_system(work),
    }
    name = _stage(protocol)
    return read_manifest(run_stage(work.run, name, engine.deciding(), inputs, build))


def served_rows(work: Workplace, split: Split) -> list[Row]:
    """Rows of all that a server has scored for the run as it stands, their ranks put in place."""
    rows = []
    for protocol in asked_protocols(work, split):
        folder = work.run / _stage(protocol)
        manifest = find_manifest(folder)
        source = ranks_file(folder, served_system(work), protocol)
        if manifest is None or not source.exists():
            continue
        made_for = (manifest.inputs["recommender"], manifest.inputs["split"])
        if made_for != (stage_fingerprint(work.run / "recommender"), split.fingerprint):
            continue  # of an earlier state of the run
        with written_aside(ranks_file(work.run, served_system(work), protocol)) as aside:
            shutil.copyfile(source, aside)
        rows.append(_row(work, split, protocol, manifest))
    return rows


def _row(work: Workplace, split: Split, protocol: Protocol, served: Manifest) -> Row:
    taste = () if work.config.taste.kind == "none" else (TASTE,)
    encoder = stage_name(work.config.collab.encoder)
    stages = (encoder, "backbone", "gist", "collab", *taste, "recommender")
    manifests = [*(read_manifest(work.run / name) for name in stages), served]
    measured = Measured(
        system=served_system(work),
        dataset=work.dataset.card.name,
        split=split.kind,
        split_fingerprint=split.fingerprint,
        protocol=protocol,
        seeds=(work.config.recommender.seed,),
        seconds=round(sum(manifest.seconds for manifest in manifests), 1),
        peak_mib=max(manifest.peak_mib for manifest in manifests),
    )
    ranks = load_ranks(work.run, served_system(work), protocol)
    return make_row(ranks, measured, work.config.evaluation)


def _stage(protocol: str) -> str:
    return f"served-{protocol}"
