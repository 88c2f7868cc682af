from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from gistrec.config.sequence import Architecture, SequenceConfig
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError, RunError
from gistrec.sequence import training
from gistrec.sequence.model import SETTINGS_FILE, SequenceModel
from gistrec.sequence.training import train_sequence_model

N_ITEMS = 30
ARCHITECTURES: tuple[Architecture, ...] = ("sasrec", "gru4rec", "bert4rec")


def log(users: int = 80, n_items: int = N_ITEMS, seed: int = 0) -> Sequences:
    """Walks in which each item is mostly followed by the next code."""
    rng = np.random.default_rng(seed)
    rows = [
        ((rng.integers(n_items) + np.arange(length) + rng.integers(2, size=length)) % n_items)
        for length in rng.integers(2, 15, size=users)
    ]
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    items = np.concatenate(rows).astype(np.int32)
    names = pl.Series([str(index) for index in range(users)])
    return Sequences(names, offsets, items, np.zeros(len(items), dtype=np.int64))


def valid() -> Queries:
    walks = log(40, seed=1)
    histories = walks.prefixes(np.arange(40), walks.lengths - 1)
    positives = walks.items[walks.offsets[1:] - 1]
    others = (positives[:, None] + np.arange(1, 11)) % N_ITEMS
    candidates = np.column_stack([positives, others]).astype(np.int32)
    return Queries(histories, positives, candidates, np.ones(N_ITEMS, dtype=bool))


def config(architecture: Architecture = "sasrec", epochs: int = 4) -> SequenceConfig:
    return SequenceConfig(
        architecture=architecture,
        width=16,
        layers=2,
        max_length=6,
        batch_size=16,
        negatives=8,
        warmup_steps=3,
        epochs=epochs,
    )


class KilledError(Exception):
    """Stands for a kill between two steps."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("validated", [True, False])
def test_resumed_training_ends_bit_identical(
    architecture: Architecture, validated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = valid() if validated else None
    whole = train_sequence_model(config(architecture), log(), queries, N_ITEMS)
    checkpoint = tmp_path / "training.checkpoint"
    steps = 0
    original = training.sampled_softmax

    def killed_in_the_third_epoch(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 25:
            raise KilledError
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "sampled_softmax", killed_in_the_third_epoch)
    with pytest.raises(KilledError):
        train_sequence_model(config(architecture), log(), queries, N_ITEMS, checkpoint)
    assert checkpoint.exists()
    monkeypatch.setattr(training, "sampled_softmax", original)
    resumed = train_sequence_model(config(architecture), log(), queries, N_ITEMS, checkpoint)
    for name, value in whole.network.state_dict().items():
        assert np.array_equal(value.numpy(), resumed.network.state_dict()[name].numpy()), name
    assert resumed.report.best_epoch == whole.report.best_epoch
    assert resumed.report.best_ndcg == whole.report.best_ndcg
    assert resumed.report.by_epoch == whole.report.by_epoch


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    checkpoint = tmp_path / "training.checkpoint"
    first = train_sequence_model(config(), log(), valid(), N_ITEMS, checkpoint)
    before = checkpoint.stat().st_mtime_ns
    again = train_sequence_model(config(), log(), valid(), N_ITEMS, checkpoint)
    assert checkpoint.stat().st_mtime_ns == before
    assert again.report == first.report
    assert np.array_equal(again.item_embeddings, first.item_embeddings)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "training.checkpoint"
    train_sequence_model(config(epochs=1), log(), None, N_ITEMS, checkpoint)
    with pytest.raises(RunError, match="another configuration or other data; delete it"):
        train_sequence_model(config(epochs=2), log(), None, N_ITEMS, checkpoint)
    with pytest.raises(RunError, match="another configuration or other data"):
        train_sequence_model(config(epochs=1), log(seed=5), None, N_ITEMS, checkpoint)
    with pytest.raises(RunError, match="another configuration or other data"):
        train_sequence_model(config(epochs=1), log(), valid(), N_ITEMS, checkpoint)


def test_half_a_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "training.checkpoint"
    train_sequence_model(config(epochs=1), log(), None, N_ITEMS, checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(RunError, match="not a readable checkpoint; delete it"):
        train_sequence_model(config(epochs=1), log(), None, N_ITEMS, checkpoint)


def test_training_stops_when_validation_no_longer_rises() -> None:
    patient = config(epochs=60).model_copy(update={"patience": 2, "learning_rate": 0.02})
    report = train_sequence_model(patient, log(), valid(), N_ITEMS).report
    assert report.epochs == report.best_epoch + 2 < 60
    assert len(report.by_epoch) == report.epochs
    assert max(report.by_epoch) == report.by_epoch[report.best_epoch - 1] == report.best_ndcg


def test_the_best_epoch_is_the_one_kept() -> None:
    eager = config(epochs=60).model_copy(update={"patience": 2, "learning_rate": 0.02})
    kept = train_sequence_model(eager, log(), valid(), N_ITEMS)
    scores = kept.score(valid().histories, valid().candidates)
    rank = 1 + (scores[:, 1:] > scores[:, :1]).sum(axis=1)
    ndcg = np.where(rank <= 10, 1 / np.log2(1 + rank), 0).mean()
    assert ndcg == pytest.approx(kept.report.best_ndcg)


def test_another_seed_is_another_model() -> None:
    one, other = (
        train_sequence_model(config(epochs=1).model_copy(update={"seed": seed}), log(), None, 30)
        for seed in (0, 1)
    )
    assert not np.array_equal(one.item_embeddings, other.item_embeddings)


def test_training_leaves_the_random_state_of_the_caller_alone() -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    train_sequence_model(config(epochs=1), log(), None, N_ITEMS)
    assert torch.rand(1) == expected


def test_diverged_weights_are_never_called_the_best() -> None:
    wild = config().model_copy(update={"learning_rate": 1e38, "warmup_steps": 0})
    with pytest.raises(RunError, match="sasrec: training diverged in epoch 1; lower learning_rate"):
        train_sequence_model(wild, log(), valid(), N_ITEMS)


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(DataError, match="no interaction"):
        train_sequence_model(config(), log().prefixes([0], [0]), None, N_ITEMS)


def test_bfloat16_trains_to_finite_scores() -> None:
    half = config(epochs=1).model_copy(update={"dtype": "bfloat16"})
    model = train_sequence_model(half, log(), None, N_ITEMS)
    assert np.isfinite(model.score(log(), None)).all()


def test_states_and_embeddings_multiply_to_scores() -> None:
    model = train_sequence_model(config(epochs=1), log(), None, N_ITEMS)
    states = model.encode(log())
    assert states.shape == (80, 16)
    assert states.dtype == np.float32
    np.testing.assert_allclose(
        states @ model.item_embeddings.T, model.score(log(), None), atol=1e-5
    )


def test_only_the_recent_history_counts() -> None:
    model = train_sequence_model(config(epochs=1), log(), None, N_ITEMS)
    np.testing.assert_allclose(model.encode(log()), model.encode(log().last(6)), atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_unknown_items_rank_near_chance(architecture: Architecture) -> None:
    # 30 known items, 300 unknown ones: the share of known items above an unknown one is a half.
    model = train_sequence_model(config(architecture, epochs=8), log(), None, N_ITEMS + 300)
    scores = model.score(log(), None)
    known, unknown = scores[:, :N_ITEMS], scores[:, N_ITEMS:]
    above = (known[:, :, None] > unknown[:, None, :]).mean()
    assert 0.45 < above < 0.55


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    model = train_sequence_model(config(epochs=1), log(), None, N_ITEMS)
    model.save(tmp_path)
    (tmp_path / SETTINGS_FILE).write_text("{}")
    with pytest.raises(RunError, match="no readable sequence model"):
        SequenceModel.load(tmp_path)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValidationError, match=r"heads \(3\) must divide width \(16\)"):
        SequenceConfig(width=16, heads=3)
    assert SequenceConfig(architecture="gru4rec", width=16, heads=3).width == 16
