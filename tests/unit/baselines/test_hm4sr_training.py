"""What can be learned is learned, what cannot is not; a killed training goes on."""

from pathlib import Path

import numpy as np
import pytest
from hm4sr_cases import sequences, small, vectors
from pydantic import ValidationError

from gistrec.baselines.hm4sr import training
from gistrec.baselines.hm4sr.model import Hm4srModel
from gistrec.baselines.hm4sr.training import train_hm4sr
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.data.sequences import Sequences
from gistrec.errors import DataError, RunError
from gistrec.text.encoder import of_length_one

N_ITEMS = 30


def walks(regular: bool, users: int, seed: int) -> Sequences:
    """Nine times in ten the next item is the one that follows, or any."""
    rng = np.random.default_rng(seed)
    follow = np.random.default_rng(7).permutation(N_ITEMS)
    rows = []
    for _ in range(users):
        row = [int(rng.integers(N_ITEMS))]
        while len(row) < 10:
            anywhere = not regular or rng.random() < 0.1
            row.append(int(rng.integers(N_ITEMS)) if anywhere else int(follow[row[-1]]))
        rows.append(row)
    return sequences(rows)


def top_one(regular: bool) -> float:
    """How often the item that came is the best of all 30."""
    model = train_hm4sr(small(width=32, epochs=12), walks(regular, 300, 1), None, vectors(N_ITEMS))
    asked = walks(regular, 400, 2)
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


def by_colour() -> tuple[Sequences, ItemVectors]:
    """Users keep to one of two colours, which text and image tell; 5 items a colour are cold."""
    rng = np.random.default_rng(4)
    rows = [(2 * rng.permutation(15)[:8] + user % 2).tolist() for user in range(200)]
    colour = np.arange(40) % 2
    text = np.column_stack([colour == 0, colour == 1]).astype(np.float32)
    noise = of_length_one(rng.standard_normal((40, 4)).astype(np.float32))
    none = np.zeros((40, 0), dtype=np.float32)
    return sequences(rows), ItemVectors(text, noise, none, "colours")


def test_an_item_nobody_has_chosen_is_told_by_its_text() -> None:
    train, told = by_colour()
    model = train_hm4sr(small(epochs=6), train, None, told)
    histories = sequences([[0, 2, 4, 6], [1, 3, 5, 7]])
    cold = model.score(histories, None)[:, 30:]
    even, odd = cold[:, 0::2], cold[:, 1::2]
    assert even[0].mean() > odd[0].mean()
    assert odd[1].mean() > even[1].mean()


class KilledError(Exception):
    """Stands for a kill between two steps."""


def test_resumed_training_ends_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, told, config = walks(True, 100, 1), vectors(N_ITEMS, categories=3), small()
    whole = train_hm4sr(config, log, None, told)
    checkpoint = tmp_path / "hm4sr.checkpoint"
    original, steps = training.full_softmax, 0

    def killed(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 4:  # two steps an epoch
            raise KilledError
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "full_softmax", killed)
    with pytest.raises(KilledError):
        train_hm4sr(config, log, None, told, checkpoint)
    monkeypatch.setattr(training, "full_softmax", original)
    resumed = train_hm4sr(config, log, None, told, checkpoint)
    for name, value in whole.network.state_dict().items():
        assert np.array_equal(value.numpy(), resumed.network.state_dict()[name].numpy()), name
    with pytest.raises(RunError, match="another configuration or other data"):
        train_hm4sr(config, log, None, vectors(N_ITEMS, categories=3, seed=2), checkpoint)


@pytest.mark.parametrize("kind", ["fixed", "as-released"])
def test_saved_and_loaded_scores_alike(kind: str, tmp_path: Path) -> None:
    log = walks(True, 40, 1)
    config = small(epochs=1, temporal_experts=kind)
    model = train_hm4sr(config, log, None, vectors(N_ITEMS, categories=2))
    model.save(tmp_path)
    loaded = Hm4srModel.load(tmp_path)
    assert np.array_equal(loaded.score(log, None), model.score(log, None))
    # Whoever else is asked about, with whatever times, changes nothing.
    alone = model.score(log.take([7]), None)
    np.testing.assert_allclose(alone[0], model.score(log, None)[7], atol=1e-5)
    assert loaded.facts() == model.facts()
    assert loaded.facts()["temporal_experts"] == kind
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(RunError, match="no readable HM4SR"):
        Hm4srModel.load(tmp_path)


def test_positions_are_noticed_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[0, 1, 2, 3], [4, 5, 6]]
    positions = sequences(rows, [[0, 1, 2, 3], [0, 1, 2]])
    told = vectors(N_ITEMS)

    def facts(**settings: object) -> dict[str, object]:
        config = small(epochs=1, **settings)
        return dict(train_hm4sr(config, positions, None, told).facts())

    found = facts(temporal="auto")
    said = capsys.readouterr()
    assert "hm4sr runs without its temporal part" in said.out + said.err
    assert (found["temporal_experts"], found["placeholder_contrast"]) == ("off", False)
    assert facts(temporal=True)["temporal_experts"] == "fixed"
    assert facts(temporal=False)["temporal_experts"] == "off"
    assert (found["texts"], found["images"], found["categories"]) == (29, 29, 0)


def test_a_log_of_single_items_can_be_learned_from() -> None:
    # Nothing to contrast: no item is known before any other.
    model = train_hm4sr(small(epochs=1), sequences([[1], [2], [3]]), None, vectors(N_ITEMS))
    assert np.isfinite(model.score(sequences([[1]]), None)).all()


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(DataError, match="no interaction"):
        train_hm4sr(small(), sequences([[]]), None, vectors(N_ITEMS))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValidationError, match=r"heads \(2\) must divide width \(15\)"):
        small(width=15)
