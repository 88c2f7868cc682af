"""What can be learned is learned, what cannot is not: Markov chains, regular and random."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from gistrec.config.sequence import Architecture, SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.sequence.training import train_sequence_model

N_ITEMS = 40
NEGATIVES = 20
ARCHITECTURES: tuple[Architecture, ...] = ("sasrec", "gru4rec", "bert4rec")


def chain(transitions: npt.NDArray[np.float64], users: int, seed: int) -> Sequences:
    """Walks of 12 steps along a Markov chain."""
    rng = np.random.default_rng(seed)
    walks = np.empty((users, 12), dtype=np.int32)
    walks[:, 0] = rng.integers(N_ITEMS, size=users)
    cumulative = transitions.cumsum(axis=1)
    for step in range(1, 12):
        draws = rng.random(users)[:, None]
        walks[:, step] = (cumulative[walks[:, step - 1]] < draws).sum(axis=1).clip(max=N_ITEMS - 1)
    offsets = np.arange(0, users * 12 + 1, 12, dtype=np.int64)
    names = pl.Series([str(user) for user in range(users)])
    return Sequences(names, offsets, walks.ravel(), np.zeros(users * 12, dtype=np.int64))


def regular() -> npt.NDArray[np.float64]:
    """From each item nine times in ten to one other, else anywhere."""
    successor = np.random.default_rng(7).permutation(N_ITEMS)
    transitions = np.full((N_ITEMS, N_ITEMS), 0.1 / N_ITEMS)
    transitions[np.arange(N_ITEMS), successor] += 0.9
    return transitions


def uniform() -> npt.NDArray[np.float64]:
    return np.full((N_ITEMS, N_ITEMS), 1 / N_ITEMS)


def queries(sequences: Sequences, seed: int) -> Queries:
    """Each user's last item against uniform others."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(sequences))
    histories = sequences.prefixes(rows, sequences.lengths - 1)
    positives = sequences.items[sequences.offsets[1:] - 1]
    shifts = np.stack([rng.permutation(N_ITEMS - 1)[:NEGATIVES] + 1 for _ in rows])
    negatives = (positives[:, None] + shifts) % N_ITEMS
    candidates = np.column_stack([positives, negatives]).astype(np.int32)
    return Queries(histories, positives, candidates, np.ones(N_ITEMS, dtype=bool))


def top_one(architecture: Architecture, transitions: npt.NDArray[np.float64]) -> float:
    """How often the positive stands first of 21 after training."""
    config = SequenceConfig(
        architecture=architecture,
        width=32,
        layers=1,
        dropout=0.1,
        max_length=12,
        batch_size=64,
        learning_rate=0.005,
        warmup_steps=5,
        mask_share=0.2,
        patience=10,
        epochs=60 if architecture == "bert4rec" else 15,  # it sees fewer targets an epoch
    )
    train, valid, test = (
        chain(transitions, users, seed) for users, seed in ((500, 1), (200, 2), (400, 3))
    )
    model = train_sequence_model(config, train, queries(valid, 4), N_ITEMS)
    asked = queries(test, 5)
    scores = model.score(asked.histories, asked.candidates)
    return float((scores[:, :1] > scores[:, 1:]).all(axis=1).mean())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_regular_chain_is_learned(architecture: Architecture) -> None:
    # The best possible is about 0.9 + 0.1 / 21.
    assert top_one(architecture, regular()) > 0.85


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_random_chain_is_not(architecture: Architecture) -> None:
    # Chance is 1 / 21; four standard deviations of 400 draws either side.
    chance = 1 / 21
    deviation = (chance * (1 - chance) / 400) ** 0.5
    assert abs(top_one(architecture, uniform()) - chance) < 4 * deviation
