"""Stage `split`: what trains, what validates, what tests."""

from pathlib import Path

from gistrec.data.split import Split, make_split
from gistrec.data.split_store import load_split, save_split
from gistrec.pipeline.manifest import MADE, Facts
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace


def split_stage(work: Workplace) -> Split:
    """Make the split, or read it."""

    def build(folder: Path) -> Facts:
        split = make_split(work.dataset, work.config.split)
        save_split(split, folder)
        return {
            MADE: split.fingerprint,
            "train_users": len(split.train),
            "train_interactions": len(split.train.items),
            "valid": len(split.valid),
            "test": len(split.test),
            "cold": 0 if split.cold is None else len(split.cold),
        }

    inputs = {"dataset": work.dataset.fingerprint}
    return load_split(run_stage(work.run, "split", work.config.split, inputs, build), work.dataset)
