"""What can be learned is learned, what cannot is not; a killed training goes on."""

from pathlib import Path

import numpy as np
import pytest
from hm4sr_cases import sequences
from molar_cases import content, small, walks
from pydantic import ValidationError

from gistrec.baselines.molar import training
from gistrec.baselines.molar.model import MolarModel
from gistrec.baselines.molar.training import MolarContent, train_molar
from gistrec.errors import DataError, RunError

N_ITEMS = 30


def top_one(regular: bool) -> float:
    """How often the item that came is the best of all 30."""
    log = walks(N_ITEMS, regular, 300, 1)
    config = small(width=32, epochs=15, alignment=0.0)
    model = train_molar(config, log, None, content(N_ITEMS))
    asked = walks(N_ITEMS, regular, 400, 2)
    histories = asked.prefixes(np.arange(400), asked.lengths - 1)
    best = model.score(histories, None).argmax(axis=1)
    return float((best == asked.items[asked.offsets[1:] - 1]).mean())


def test_a_regular_chain_is_learned() -> None:
    # The best possible is about 0.9 + 0.1 / 30.
    assert top_one(True) > 0.8


def test_a_random_chain_is_not() -> None:
    # Four standard deviations of 400 draws about chance.
    chance = 1 / N_ITEMS
    assert abs(top_one(False) - chance) < 4 * (chance * (1 - chance) / 400) ** 0.5


def test_an_item_nobody_has_chosen_is_told_by_its_vector() -> None:
    rng = np.random.default_rng(4)
    rows = [(2 * rng.permutation(15)[:8] + user % 2).tolist() for user in range(200)]
    vectors = rng.standard_normal((40, 6)).astype(np.float32)
    vectors[:, 0] = 4.0 * (np.arange(40) % 2) - 2.0  # the colour
    model = train_molar(small(epochs=6), sequences(rows), None, MolarContent(vectors))
    cold = model.score(sequences([[0, 2, 4, 6], [1, 3, 5, 7]]), None)[:, 30:]
    even, odd = cold[:, 0::2], cold[:, 1::2]
    assert even[0].mean() > odd[0].mean()
    assert odd[1].mean() > even[1].mean()


class KilledError(Exception):
    """Stands for a kill between two steps."""


def test_resumed_training_ends_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = walks(N_ITEMS, True, 100, 1)
    told, config = content(N_ITEMS, log), small(negatives=10)
    whole = train_molar(config, log, None, told)
    checkpoint = tmp_path / "molar.checkpoint"
    original, steps = training.next_item_nce, 0

    def killed(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 4:  # two steps an epoch
            raise KilledError
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "next_item_nce", killed)
    with pytest.raises(KilledError):
        train_molar(config, log, None, told, checkpoint)
    monkeypatch.setattr(training, "next_item_nce", original)
    resumed = train_molar(config, log, None, told, checkpoint)
    for name, value in whole.network.state_dict().items():
        assert np.array_equal(value.numpy(), resumed.network.state_dict()[name].numpy()), name
    with pytest.raises(RunError, match="another configuration or other data"):
        train_molar(config, log, None, content(N_ITEMS, log, seed=2), checkpoint)


def test_saved_and_loaded_scores_alike(tmp_path: Path) -> None:
    log = walks(N_ITEMS, True, 40, 1)
    model = train_molar(small(epochs=1), log, None, content(N_ITEMS, log))
    model.save(tmp_path)
    loaded = MolarModel.load(tmp_path)
    assert np.array_equal(loaded.score(log, None), model.score(log, None))
    assert loaded.facts() == model.facts()
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(RunError, match="no readable Molar"):
        MolarModel.load(tmp_path)


def test_a_log_of_single_items_can_be_learned_from() -> None:
    log = sequences([[1], [2], [3]])
    model = train_molar(small(epochs=1), log, None, content(N_ITEMS, log))
    assert np.isfinite(model.score(sequences([[1]]), None)).all()


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(DataError, match="no interaction"):
        train_molar(small(), sequences([[]]), None, content(N_ITEMS))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValidationError, match=r"heads \(2\) must divide width \(15\)"):
        small(width=15)
