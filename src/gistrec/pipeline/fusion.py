"""Stage `fusion`: the model's logit and the encoder's score, weighed on validation users."""

from collections.abc import Callable
from pathlib import Path

from gistrec.data.split import Split
from gistrec.pipeline.baselines import open_encoder, stage_name
from gistrec.pipeline.collab import calibration_questions
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.progress import say
from gistrec.recommender.fuse import fit_fusion, lists_to_fuse, load_fusion, save_fusion
from gistrec.recommender.fused import FusedRanker
from gistrec.recommender.fusion_check import held_out_gain
from gistrec.recommender.rank import MllmRanker

_FILE = "fusion.json"


def fusion_stage(
    work: Workplace, split: Split, recommender: str, open_ranker: Callable[[], MllmRanker]
) -> Path:
    """Fit the weights, or read them.

    Args:
        work: the run.
        split: whose validation users the weights are fitted on.
        recommender: the stage whose model is fused.
        open_ranker: opens that model.
    """
    config = work.config

    def build(folder: Path) -> Facts:
        lists = lists_to_fuse(
            open_ranker(),
            open_encoder(work.run, config.collab.encoder),
            calibration_questions(work, split),
            split.train_counts,
        )
        fusion = fit_fusion(lists, config.fusion)
        save_fusion(fusion, folder / _FILE)
        for line in fusion.told(lists):
            say(f"fusion, {line}")
        gains = held_out_gain(lists.sampled, config.fusion, config.recommender.seed)
        return {
            "users": len(lists.sampled),
            "retrieved_positives": len(lists.full),
            "logit_alone": {"sampled": fusion.sampled is None, "catalogue": fusion.full is None},
            **gains,
        }

    encoder = stage_name(config.collab.encoder)
    inputs = {
        "split": split.fingerprint,
        encoder: stage_fingerprint(work.run / encoder),
        "collab": stage_fingerprint(work.run / "collab"),
        recommender: stage_fingerprint(work.run / recommender),
    }
    return run_stage(work.run, "fusion", config.fusion, inputs, build)


def open_fused(work: Workplace, split: Split, folder: Path, model: MllmRanker) -> FusedRanker:
    """The fused ranker of a finished stage, over its opened model."""
    encoder = open_encoder(work.run, work.config.collab.encoder)
    name = work.config.fused
    return FusedRanker(name, model, encoder, load_fusion(folder / _FILE), split.train_counts)
