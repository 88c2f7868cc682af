"""Catalogues, logs and settings that Molar learns from in a second."""

import numpy as np
from hm4sr_cases import sequences

from gistrec.baselines.molar.training import MolarContent
from gistrec.config.molar import MolarConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.sequences import Sequences
from gistrec.sequence.model import SequenceModel
from gistrec.sequence.training import train_sequence_model


def small(**settings: object) -> MolarConfig:
    """The paper's parts at sizes of a test."""
    sizes = {
        "width": 16,
        "layers": 1,
        "dropout": 0.1,
        "max_length": 12,
        "batch_size": 64,
        "learning_rate": 0.01,
        "warmup_steps": 5,
        "epochs": 3,
    }
    return MolarConfig.model_validate(sizes | settings)


def walks(n_items: int, regular: bool, users: int, seed: int) -> Sequences:
    """Nine times in ten the next item is the one that follows, or any."""
    rng = np.random.default_rng(seed)
    follow = np.random.default_rng(7).permutation(n_items)
    rows = []
    for _ in range(users):
        row = [int(rng.integers(n_items))]
        while len(row) < 10:
            anywhere = not regular or rng.random() < 0.1
            row.append(int(rng.integers(n_items)) if anywhere else int(follow[row[-1]]))
        rows.append(row)
    return sequences(rows)


def id_model(log: Sequences, n_items: int) -> SequenceModel:
    """A SASRec that has seen the log once."""
    return train_sequence_model(
        SequenceConfig(width=8, layers=1, max_length=6, epochs=1), log, None, n_items
    )


def content(n_items: int, log: Sequences | None = None, seed: int = 1) -> MolarContent:
    """Random vectors, and an ID model where there is a log for one."""
    vectors = np.random.default_rng(seed).standard_normal((n_items, 24)).astype(np.float32)
    return MolarContent(vectors, None if log is None else id_model(log, n_items))
