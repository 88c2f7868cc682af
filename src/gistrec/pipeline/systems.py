"""The systems of one run that a multimodal model recommends in: pure, with evidence, fused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gistrec.config.evaluation import Protocol
from gistrec.data.queries import Queries
from gistrec.data.split import Split
from gistrec.evaluation.row import Row
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.baselines import baseline_stage, stage_name
from gistrec.pipeline.collab import Collab, collab_stage
from gistrec.pipeline.cuts import prompt_facts
from gistrec.pipeline.evaluation import evaluate_system
from gistrec.pipeline.evidence import OpenEvidence, evidence_stage, open_evidence
from gistrec.pipeline.fusion import fusion_stage, open_fused
from gistrec.pipeline.gist.stage import gist_stage
from gistrec.pipeline.gist.tuning import gist_tuning_stage
from gistrec.pipeline.manifest import Facts
from gistrec.pipeline.recommender import (
    Recommender,
    known_of,
    open_recommender,
    recommender_stage,
    recommender_stage_name,
)
from gistrec.pipeline.stage import partial_folder
from gistrec.pipeline.taste.stage import TASTE, TasteTables, taste_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.gists import gist_texts
from gistrec.recommender.known import Known
from gistrec.recommender.memory import ScoreMemory
from gistrec.recommender.rank import MllmRanker

SCORES_FILE = "scores.parquet"


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What all systems of the run share.

    Attributes:
        tastes: None where prompts tell none.
        made_by: the stages behind it, in order.
    """

    work: Workplace
    split: Split
    backbone: Path
    words: list[str]
    collab: Collab
    tastes: TasteTables | None
    made_by: tuple[str, ...]

    def behind(self, evidence: OpenEvidence | None) -> tuple[str, ...]:
        """The stages behind a recommender, in order."""
        return (*self.made_by, "evidence") if evidence else self.made_by

    def known(self, evidence: OpenEvidence | None) -> Known:
        """What the prompts of a recommender are made of."""
        return known_of(self.work, self.collab, evidence, self.tastes)

    def opened(self, evidence: OpenEvidence | None) -> Recommender:
        """The fine-tuned model, with evidence in its prompts or without."""
        folder = self.work.run / recommender_stage_name(evidence is not None)
        return open_recommender(self.work, folder, self.backbone, self.words, evidence)


def mllm_systems(work: Workplace, split: Split) -> dict[str, list[Row]]:
    """Make every system of the run that asks the model, and measure it: rows by system."""
    config = work.config
    encoder = config.collab.encoder
    if encoder not in config.baselines.names:
        baseline_stage(work, split, encoder)
    backbone = backbone_stage(work, split)
    tuned = gist_tuning_stage(work, backbone)
    words = gist_texts(gist_stage(work, backbone, tuned), work.titles)
    collab = collab_stage(work, split, words, work.run / "gist")
    tastes = taste_stage(work, split, backbone, words)
    tuning = () if tuned is None else (tuned.name,)
    taste = () if tastes is None else (TASTE,)
    made_by = (stage_name(encoder), "backbone", *tuning, "gist", "collab", *taste)
    shared = _Prepared(work, split, backbone, words, collab, tastes, made_by)
    rows = {config.name: _measured(shared, None)}
    evidence = None
    if config.evidence.kinds:
        evidence_stage(work, words)
        evidence = open_evidence(work, split)
        rows[config.with_evidence] = _measured(shared, evidence)
    if config.fusion.on:
        rows[config.fused] = _fused(shared, evidence)
    return rows


def _measured(shared: _Prepared, evidence: OpenEvidence | None) -> list[Row]:
    work, split = shared.work, shared.split
    tuned = recommender_stage(
        work, split, shared.backbone, shared.words, shared.collab, evidence, shared.tastes
    )
    system = work.config.with_evidence if evidence else work.config.name

    def open_ranker() -> MllmRanker:
        # What an interrupted attempt has scored is not asked for again.
        memory = ScoreMemory.read(partial_folder(work.run, f"evaluation-{system}") / SCORES_FILE)
        return shared.opened(evidence).ranker(shared.known(evidence), memory)

    def keep(ranker: MllmRanker, folder: Path) -> None:
        ranker.memory.write(folder / SCORES_FILE)

    def report(ranker: MllmRanker, asked: Mapping[Protocol, Queries]) -> Facts:
        cuts = ranker.cuts(*(queries.histories for queries in asked.values()))
        return prompt_facts(f"evaluation-{system}", ranker.prompter, cuts)

    stages = (*shared.behind(evidence), tuned.name)
    seeds = (work.config.recommender.seed,)
    return evaluate_system(work, split, system, open_ranker, stages, seeds, report, keep)


def _fused(shared: _Prepared, evidence: OpenEvidence | None) -> list[Row]:
    """The fusion over the system with evidence, where there is one, else over the pure one."""
    work = shared.work
    inner = recommender_stage_name(evidence is not None)
    system = work.config.with_evidence if evidence else work.config.name
    scored = work.run / f"evaluation-{system}"
    known = shared.known(evidence)

    def ranker() -> MllmRanker:
        memory = ScoreMemory.read(scored / SCORES_FILE)
        return shared.opened(evidence).ranker(known, memory)

    fusion = fusion_stage(work, shared.split, inner, ranker)
    stages = (*shared.behind(evidence), inner, fusion.name)
    return evaluate_system(
        work,
        shared.split,
        work.config.fused,
        lambda: open_fused(work, shared.split, fusion, ranker()),
        stages,
        (work.config.recommender.seed,),
    )
