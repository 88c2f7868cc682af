"""Stages `recommender` and `recommender-evidence`: the backbone fine-tuned for what comes next."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.data.split import Split
from gistrec.evaluation.metrics import mean, metric_values
from gistrec.evaluation.protocol import rank_queries
from gistrec.files import fingerprint_of
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.mllm.training import autocast
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.backbone import open_backbone, open_features, open_tuned
from gistrec.pipeline.collab import Collab, training_windows, validation_questions
from gistrec.pipeline.cuts import prompt_facts, tell_shortened
from gistrec.pipeline.evidence import OpenEvidence, told_inputs
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.taste.stage import TASTE, TasteTables
from gistrec.pipeline.transfer import take_over, taken_input, taken_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.recommender.known import Known
from gistrec.recommender.memory import ScoreMemory
from gistrec.recommender.nearby import nearby_items
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.rank import MllmRanker
from gistrec.recommender.train import fine_tune, training_cuts, training_examples
from gistrec.recommender.training_set import TrainingSet

_MODEL = "model"
_JUDGE = "NDCG@5"


@dataclass(frozen=True, eq=False)
class Recommender:
    """All that a fine-tuned backbone needs to score: ``ranker`` adds what it is asked about."""

    name: str
    backbone: Backbone
    prompter: Prompter
    features: ImageFeatures
    evidence: OpenEvidence | None
    n_items: int

    def ranker(self, known: Known, memory: ScoreMemory | None = None) -> MllmRanker:
        """A ranker for users of whom this is known; ``memory`` holds scores it need not ask for."""
        return MllmRanker(
            self.name, self.backbone, self.prompter, self.features, known, self.n_items, memory
        )


def recommender_stage(
    work: Workplace,
    split: Split,
    backbone: Path,
    gist_words: list[str],
    collab: Collab,
    evidence: OpenEvidence | None = None,
    tastes: TasteTables | None = None,
) -> Path:
    """Fine-tune the backbone, with evidence in prompts or without; where it stands, it stays."""
    config = work.config.recommender
    ids = work.dataset.item_ids
    name = recommender_stage_name(evidence is not None)
    taken = taken_stage(work.config, name)

    def build(folder: Path) -> Facts:
        if taken is not None:
            return take_over(taken, folder)
        recommender = _assembled(
            work, open_backbone(backbone, work.config.backbone), backbone, gist_words, evidence
        )
        data = TrainingSet(
            split.train,
            lambda epoch: training_windows(work, split, epoch),
            nearby_items(collab.training, ids),
            evidence.of_windows if evidence else None,
            list(zip(work.titles, work.texts, strict=True)),
            tastes.of_training if tastes else None,
        )
        known = known_of(work, collab, evidence, tastes)
        questions = validation_questions(work, split)

        def judge() -> float:
            with autocast(recommender.backbone.device, config.precision):
                # A ranker of its own for each epoch: what an earlier one scored is no longer so.
                ranks = rank_queries(
                    recommender.ranker(known), questions, schema.SAMPLED, ids, split.train_counts
                )
            return mean(metric_values(ranks, _JUDGE))

        checkpoint = folder / "fine-tuning.checkpoint"
        key = fingerprint_of([config.deciding().model_dump(), split.fingerprint])
        cuts = training_cuts(recommender.prompter, data, config.epochs)
        shown = prompt_facts(name, recommender.prompter, cuts)
        if evidence is None:  # else it has been said of the pure system, which trains first
            tell_shortened(name, recommender.prompter, work.config)
        trained = fine_tune(
            recommender.backbone,
            recommender.prompter,
            recommender.features,
            data,
            config,
            judge,
            checkpoint,
            key,
        )
        recommender.backbone.save(folder / _MODEL)
        shutil.rmtree(checkpoint, ignore_errors=True)
        return {
            **shown,
            "examples": {
                **training_examples(
                    recommender.backbone, recommender.prompter, recommender.features, data, config
                )
            },
            "epochs": trained.epochs,
            "best_epoch": trained.best_epoch,
            f"validation {_JUDGE}": trained.best,
            "validation_by_epoch": [*trained.judged],
            "training_seconds": trained.seconds,
        }

    inputs = _inputs(work, split, backbone, evidence, tastes) | taken_input(work.config, name)
    return run_stage(work.run, name, config.deciding(), inputs, build, code="2")


def _inputs(
    work: Workplace,
    split: Split,
    backbone: Path,
    evidence: OpenEvidence | None,
    tastes: TasteTables | None,
) -> dict[str, str]:
    inputs = {
        "split": split.fingerprint,
        "backbone": stage_fingerprint(backbone),
        "gist": stage_fingerprint(work.run / "gist"),
        "collab": stage_fingerprint(work.run / "collab"),
        "prompts": PROMPT_VERSION,
    }
    if tastes:
        inputs[TASTE] = stage_fingerprint(work.run / TASTE)
    if evidence:
        inputs["evidence"] = stage_fingerprint(work.run / "evidence")
        inputs |= told_inputs(work.config.evidence)
    return inputs


def recommender_stage_name(evidence: bool) -> str:
    """The folder of the recommender with evidence in its prompts, or without."""
    return "recommender-evidence" if evidence else "recommender"


def open_recommender(
    work: Workplace,
    folder: Path,
    backbone: Path,
    gist_words: list[str],
    evidence: OpenEvidence | None = None,
) -> Recommender:
    """The recommender of a finished stage."""
    tuned = open_tuned(folder / _MODEL, backbone, work.config.backbone)
    return _assembled(work, tuned, backbone, gist_words, evidence)


def known_of(
    work: Workplace,
    collab: Collab,
    evidence: OpenEvidence | None = None,
    tastes: TasteTables | None = None,
) -> Known:
    """What prompts are made of for all who are asked about."""
    item_ids = work.dataset.item_ids
    return Known(
        nearby_items(collab.asked, item_ids),
        retrieved_items(collab.candidates, item_ids),
        evidence.of_asked if evidence else None,
        tastes.of_asked if tastes else None,
    )


def retrieved_items(
    candidates: pl.DataFrame, item_ids: pl.Series
) -> dict[tuple[str, int], list[int]]:
    """Item codes retrieved for each (user id, moment)."""
    table = candidates.with_columns(pl.lit(1).alias(schema.RANK))
    return nearby_items(table.rename({schema.CANDIDATES: schema.NEXT_ITEMS}), item_ids)


def _assembled(
    work: Workplace,
    model: Backbone,
    backbone: Path,
    gist_words: list[str],
    evidence: OpenEvidence | None,
) -> Recommender:
    features = open_features(work, backbone)
    prompter = Prompter(
        model,
        work.nouns,
        work.titles,
        gist_words,
        features,
        work.config.recommender,
        evidence.longest_line(lambda line: len(model.text_ids(line))) if evidence else "",
        0 if work.config.taste.kind == "none" else work.config.taste.max_new_tokens,
    )
    return Recommender(
        work.config.with_evidence if evidence else work.config.name,
        model,
        prompter,
        features,
        evidence,
        work.dataset.n_items,
    )
