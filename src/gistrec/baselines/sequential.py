"""SASRec, GRU4Rec and BERT4Rec as baselines: a sequence model is a ranker as it stands."""

from pathlib import Path

from gistrec.config.sequence import SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.sequence.model import SequenceModel
from gistrec.sequence.training import train_sequence_model


def fit_sequential(
    config: SequenceConfig,
    train: Sequences,
    valid: Queries | None,
    n_items: int,
    folder: Path | None = None,
) -> SequenceModel:
    """Train a sequence model; with a ``folder``, a killed training goes on from there."""
    checkpoint = None if folder is None else folder / f"{config.architecture}.checkpoint"
    return train_sequence_model(config, train, valid, n_items, checkpoint)
