import math
from pathlib import Path

import pytest
import torch
from torch import nn

from gistrec.errors import RunError
from gistrec.mllm.training import Course, Lessons, Trained, learning_rate, train

STEPS, EPOCHS = 5, 3
COURSE = Course(epochs=EPOCHS, learning_rate=0.05, checkpoint_seconds=0.0)


def model() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    layers[0].bias.requires_grad_(False)
    return layers


def batches(epoch: int) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(100 + epoch)
    return [torch.randn(6, 4, generator=made) for _ in range(STEPS)]


def lessons(learner: nn.Module, stop_at: int | None = None) -> Lessons[torch.Tensor]:
    """Learn the sign of the first number; interrupted when the loss is asked for the nth time."""
    asked = 0

    def loss(batch: torch.Tensor) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked - 1 == stop_at:
            raise KeyboardInterrupt
        return ((learner(batch)[:, 0] - batch[:, 0].sign()) ** 2).mean()

    return Lessons("signs", batches, loss)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def through(checkpoint: Path, stops: list[int], key: str = "k") -> tuple[nn.Module, Trained]:
    """Train, interrupted after so many steps each time, by a new model every time."""
    for stop in stops:
        learner = model()
        with pytest.raises(KeyboardInterrupt):
            train(learner, lessons(learner, stop), COURSE, checkpoint, key)
    learner = model()
    return learner, train(learner, lessons(learner), COURSE, checkpoint, key)


@pytest.mark.parametrize(
    "stops",
    [[2], [STEPS], [STEPS + 3], [1, 1, 4], [STEPS * EPOCHS - 1]],
    ids=["mid-epoch", "between", "second", "thrice", "last"],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    stops: list[int], tmp_path: Path
) -> None:
    whole = model()
    told = train(whole, lessons(whole), COURSE, None, "k")
    assert not same(whole, model())
    resumed, retold = through(tmp_path / "checkpoint", stops)
    assert same(resumed, whole)
    assert (retold.epochs, retold.best_epoch) == (told.epochs, told.best_epoch) == (EPOCHS, EPOCHS)


def test_steps_since_the_last_checkpoint_are_done_again(tmp_path: Path) -> None:
    """Within an epoch nothing is saved so soon, so the interrupted epoch starts anew."""
    course = Course(epochs=EPOCHS, learning_rate=0.05, checkpoint_seconds=1e9)
    whole, learner = model(), model()
    train(whole, lessons(whole), course, None, "k")
    with pytest.raises(KeyboardInterrupt):
        train(learner, lessons(learner, STEPS + 3), course, tmp_path / "c", "k")
    resumed = model()
    asked = []
    counted = lessons(resumed)
    again = Lessons("signs", batches, lambda batch: asked.append(1) or counted.loss(batch))
    train(resumed, again, course, tmp_path / "c", "k")
    assert len(asked) == STEPS * (EPOCHS - 1)
    assert same(resumed, whole)


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first, _ = through(tmp_path / "checkpoint", [])
    learner = model()
    train(learner, lessons(learner, stop_at=0), COURSE, tmp_path / "checkpoint", "k")
    assert same(learner, first)


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    through(tmp_path / "checkpoint", [])
    with pytest.raises(RunError, match=r"checkpoint belongs to another training; delete it"):
        through(tmp_path / "checkpoint", [], key="other")


def test_half_a_checkpoint_is_never_seen(tmp_path: Path) -> None:
    through(tmp_path / "checkpoint", [3])
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_a_run_error(bad: float) -> None:
    learner = model()
    before = [value.clone() for value in learner.parameters()]

    def loss(batch: torch.Tensor) -> torch.Tensor:
        return learner(batch).sum() * bad

    with pytest.raises(RunError, match=r"loss of signs is no longer finite; lower .*0\.05"):
        train(learner, Lessons("signs", batches, loss), COURSE, None, "k")
    assert all(map(torch.equal, before, learner.parameters()))


def judged(
    scores: list[float], checkpoint: Path | None, stop_at: int | None = None
) -> tuple[nn.Module, Trained, list[nn.Module]]:
    """Train with a judge that gives these scores; also the models that it judged."""
    learner = model()
    seen: list[nn.Module] = []

    def judge() -> float:
        copy = model()
        copy.load_state_dict(learner.state_dict())
        seen.append(copy)
        assert not learner.training
        return scores[len(seen) - 1]

    course = lessons(learner, stop_at)
    told = train(
        learner, Lessons(course.name, course.batches, course.loss, judge), COURSE, checkpoint, "k"
    )
    return learner, told, seen


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.1, 0.3, 0.2], 2), ([0.3, 0.2, 0.1], 1), ([0.0, 0.0, 0.1], 3), ([0.2, 0.2, 0.2], 1)],
)
def test_the_best_epoch_is_kept(scores: list[float], best: int) -> None:
    learner, told, seen = judged(scores, None)
    assert (told.epochs, told.best_epoch, told.best) == (EPOCHS, best, max(scores))
    assert same(learner, seen[best - 1])
    assert not same(learner, seen[best % EPOCHS])
    assert not learner.training


def test_the_best_epoch_outlives_an_interruption(tmp_path: Path) -> None:
    whole, _, _ = judged([0.3, 0.2, 0.1], None)
    with pytest.raises(KeyboardInterrupt):
        judged([0.3], tmp_path / "c", stop_at=STEPS + 2)
    resumed, told, _ = judged([0.2, 0.1], tmp_path / "c")
    assert (told.best_epoch, told.best) == (1, 0.3)
    assert same(resumed, whole)


def test_what_is_frozen_stays_and_decay_does_not_reach_it() -> None:
    learner = model()
    frozen = learner[0].bias.clone()
    train(learner, lessons(learner), COURSE, None, "k")
    assert torch.equal(learner[0].bias, frozen)


def test_the_rate_rises_and_falls() -> None:
    course = Course(epochs=1, learning_rate=0.5, warmup=0.25)
    rates = [learning_rate(course, step, 8) for step in range(8)]
    assert rates[:2] == [0.5 * 1 / 2, 0.5 * 2 / 2]
    assert rates[2:] == pytest.approx(
        [0.5 * (1 + math.cos(math.pi * part / 6)) / 2 for part in range(6)]
    )
    assert learning_rate(course, 8, 8) == pytest.approx(0)


def test_no_batches_leave_the_model_as_it_is() -> None:
    learner = model()
    train(learner, Lessons("nothing", lambda epoch: [], lessons(learner).loss), COURSE, None, "k")
    assert same(learner, model())


def test_signs_are_learned() -> None:
    """The loss of a model that says nothing is 1."""
    learner = model()
    course = Course(epochs=40, learning_rate=0.02)
    train(learner, lessons(learner), course, None, "k")
    batch = torch.cat(batches(999))
    error = ((learner(batch)[:, 0] - batch[:, 0].sign()) ** 2).mean().item()
    assert error < 0.3
