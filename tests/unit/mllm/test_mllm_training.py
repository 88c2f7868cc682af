import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import training_cases
from safetensors.torch import load_file
from torch import nn
from training_cases import COURSE, EPOCHS, STEPS, batches, judged, lessons, loss_of, model

from gistrec.errors import RunError
from gistrec.mllm.training import Course, Lessons, Trained, learning_rate, train


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def through(
    checkpoint: Path,
    stops: list[int],
    key: str = "k",
    course: Course = COURSE,
    dropout: float = 0.0,
) -> tuple[nn.Module, Trained]:
    """Train, interrupted after so many batches each time, by a new model every time."""
    for stop in stops:
        learner = model(dropout)
        with pytest.raises(KeyboardInterrupt):
            train(learner, lessons(learner, stop), course, checkpoint, key)
    learner = model(dropout)
    return learner, train(learner, lessons(learner), course, checkpoint, key)


@pytest.mark.parametrize(
    "stops",
    [[2], [STEPS], [STEPS + 3], [1, 1, 4], [STEPS * EPOCHS - 1]],
    ids=["mid-epoch", "between", "second", "thrice", "last"],
)
@pytest.mark.parametrize(
    "course",
    [COURSE, replace(COURSE, accumulation=2), replace(COURSE, precision="bf16")],
    ids=["plain", "accumulated", "bf16"],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    stops: list[int], course: Course, tmp_path: Path
) -> None:
    whole = model(0.3)
    told = train(whole, lessons(whole), course, None, "k")
    assert not same(whole, model())
    torch.rand(7)  # whatever else draws random numbers does not matter
    resumed, retold = through(tmp_path / "checkpoint", stops, course=course, dropout=0.3)
    assert same(resumed, whole)
    assert (retold.epochs, retold.best_epoch) == (told.epochs, told.best_epoch) == (EPOCHS, EPOCHS)


def test_dropout_is_drawn_anew_in_every_step_and_by_every_seed() -> None:
    drawn: dict[int, list[torch.Tensor]] = {}
    for seed in (0, 1):
        learner = model(0.5)
        found = drawn.setdefault(seed, [])
        learner[2].register_forward_hook(lambda _, __, out, found=found: found.append(out == 0))
        train(learner, lessons(learner), replace(COURSE, seed=seed), None, "k")
    masks = torch.stack([*drawn[0], *drawn[1]]).flatten(1)
    assert len(masks.unique(dim=0)) == len(masks)


def test_steps_since_the_last_checkpoint_are_done_again(tmp_path: Path) -> None:
    """Within an epoch nothing is saved so soon, so the interrupted epoch starts anew."""
    course = replace(COURSE, checkpoint_seconds=1e9)
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
    steps = STEPS * EPOCHS
    assert [file.name for file in (tmp_path / "checkpoint").iterdir()] == [f"step-{steps}"]


def test_a_checkpoint_holds_only_what_is_trained(tmp_path: Path) -> None:
    learner, _ = through(tmp_path / "checkpoint", [])
    (saved,) = (tmp_path / "checkpoint").glob("step-*")
    weights = load_file(saved / "weights.safetensors")
    trained = {name for name, value in learner.named_parameters() if value.requires_grad}
    assert set(weights) == trained
    moments = torch.load(saved / "optimizer.pt", weights_only=True)["state"]
    assert len(moments) == len(trained)


def test_a_batch_of_many_is_the_mean_of_its_parts() -> None:
    """Two batches at a time, the last alone, as if they had come in one of twice the size."""
    course = replace(COURSE, accumulation=2)
    parts, whole = model(), model()

    def together(epoch: int) -> list[list[torch.Tensor]]:
        made = batches(epoch)
        return [made[at : at + 2] for at in range(0, STEPS, 2)]

    def mean(several: list[torch.Tensor]) -> torch.Tensor:
        return sum(loss_of(whole, batch) for batch in several) / len(several)

    train(parts, lessons(parts), course, None, "k")
    train(whole, Lessons("signs", together, mean), COURSE, None, "k")
    for left, right in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-6)


def test_epochs_have_equally_many_batches() -> None:
    learner = model()
    uneven = Lessons("signs", lambda epoch: batches(epoch)[epoch:], lessons(learner).loss)
    with pytest.raises(ValueError, match="epoch 1 has 4 batches, not 5"):
        train(learner, uneven, COURSE, None, "k")


def test_half_precision_is_of_the_arithmetic_not_of_the_weights() -> None:
    learner, seen = model(), set()
    learner[0].register_forward_hook(lambda _, __, out: seen.add(out.dtype))
    train(learner, lessons(learner), replace(COURSE, precision="bf16"), None, "k")
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in learner.parameters()} == {torch.float32}


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 can be done here")
def test_fp16_without_cuda_is_refused() -> None:
    learner = model()
    with pytest.raises(RunError, match="fp16 needs a CUDA device"):
        train(learner, lessons(learner), replace(COURSE, precision="fp16"), None, "k")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["none", "bf16", "fp16"])
def test_training_on_cuda_goes_on_too(precision: str, tmp_path: Path) -> None:
    course = replace(COURSE, precision=precision)

    def tuned(checkpoint: Path | None, stop: int | None = None) -> nn.Module:
        learner = model(0.3).cuda()
        told = lessons(learner, stop)
        loss = Lessons(told.name, told.batches, lambda batch: told.loss(batch.cuda()))
        train(learner, loss, course, checkpoint, "k")
        return learner

    whole = tuned(None)
    assert not same(whole.cpu(), model())
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "c", STEPS + 2)
    assert same(tuned(tmp_path / "c").cpu(), whole)


def test_nothing_but_the_epochs_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    learner = model()
    train(learner, lessons(learner), COURSE, None, "k")
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == EPOCHS
    assert all(line.startswith("signs epoch") for line in lines)


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    """Five batches shared out among two: the last step has one for both."""
    launched = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = str(Path(training_cases.__file__))
    ended = subprocess.run(
        [sys.executable, *launched, script, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    of_each = [torch.load(tmp_path / f"weights-{rank}.pt") for rank in (0, 1)]
    for one, other in zip(*of_each, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    plain, dropped, resumed = of_each[0]
    assert all(torch.equal(dropped[name], resumed[name]) for name in dropped)
    alone = model()
    train(alone, judged(alone), replace(COURSE, accumulation=2), None, "k")
    torch.testing.assert_close(plain, dict(alone.state_dict()), rtol=0, atol=1e-5)
    assert (tmp_path / "of-0").is_dir()
    assert not (tmp_path / "of-1").exists()  # the second process writes nothing
    assert ended.stderr.count("signs epoch 3") == 3  # said once in each training


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_a_run_error(bad: float) -> None:
    learner = model()
    before = [value.clone() for value in learner.parameters()]

    def loss(batch: torch.Tensor) -> torch.Tensor:
        return learner(batch).sum() * bad

    with pytest.raises(RunError, match=r"loss of signs is no longer finite; lower .*0\.05"):
        train(learner, Lessons("signs", batches, loss), COURSE, None, "k")
    assert all(map(torch.equal, before, learner.parameters()))


def scored(
    scores: list[float],
    checkpoint: Path | None,
    stop_at: int | None = None,
    course: Course = COURSE,
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

    taught = lessons(learner, stop_at)
    told = train(
        learner, Lessons(taught.name, taught.batches, taught.loss, judge), course, checkpoint, "k"
    )
    return learner, told, seen


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.1, 0.3, 0.2], 2), ([0.3, 0.2, 0.1], 1), ([0.0, 0.0, 0.1], 3), ([0.2, 0.2, 0.2], 1)],
)
def test_the_best_epoch_is_kept(scores: list[float], best: int) -> None:
    learner, told, seen = scored(scores, None)
    assert (told.epochs, told.best_epoch, told.best) == (EPOCHS, best, max(scores))
    assert told.judged == scores
    assert same(learner, seen[best - 1])
    assert not same(learner, seen[best % EPOCHS])
    assert not learner.training


def test_the_best_epoch_outlives_an_interruption(tmp_path: Path) -> None:
    whole, _, _ = scored([0.3, 0.2, 0.1], None)
    with pytest.raises(KeyboardInterrupt):
        scored([0.3], tmp_path / "c", stop_at=STEPS + 2)
    resumed, told, _ = scored([0.2, 0.1], tmp_path / "c")
    assert (told.best_epoch, told.best) == (1, 0.3)
    assert same(resumed, whole)


LONG = replace(COURSE, epochs=8, patience=2)


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.3, 0.2, 0.3], 1),
        ([0.1, 0.3, 0.2, 0.4, 0.4, 0.1], 4),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5, 0.7], 8),
        ([math.nan, 0.1, math.nan, 0.1], 2),
    ],
)
def test_a_training_ends_when_its_patience_does(scores: list[float], best: int) -> None:
    """Each epoch is judged, and the one after the last score is never run."""
    learner, told, seen = scored(scores, None, course=LONG)
    assert (told.epochs, told.best_epoch, told.best) == (len(scores), best, scores[best - 1])
    assert len(seen) == len(scores)
    assert same(learner, seen[best - 1])


@pytest.mark.parametrize("stop", [STEPS - 1, STEPS + 2, 2 * STEPS + 1, 3 * STEPS - 1])
def test_patience_outlives_an_interruption(stop: int, tmp_path: Path) -> None:
    scores = [0.3, 0.2, 0.1]
    whole, told, _ = scored(scores, None, course=LONG)
    with pytest.raises(KeyboardInterrupt):
        scored(scores, tmp_path / "c", stop, LONG)
    resumed, retold, _ = scored(scores[stop // STEPS :], tmp_path / "c", course=LONG)
    assert replace(retold, seconds=0) == replace(told, seconds=0)
    assert same(resumed, whole)
    finished, again, judged = scored([], tmp_path / "c", stop_at=0, course=LONG)
    assert again == retold
    assert judged == []
    assert same(finished, whole)


def test_where_no_epoch_can_be_judged_the_last_one_is_kept(tmp_path: Path) -> None:
    first, told, _ = scored([math.nan] * 2, tmp_path / "c", course=LONG)
    assert (told.epochs, told.best_epoch, told.best) == (2, 2, None)
    assert told.judged == [None, None]
    assert not same(first, model())
    again, _, _ = scored([], tmp_path / "c", stop_at=0, course=LONG)
    assert same(again, first)


def test_patience_without_a_judge_is_never_at_its_end() -> None:
    learner = model()
    told = train(learner, lessons(learner), replace(COURSE, patience=1), None, "k")
    assert (told.epochs, told.best_epoch) == (EPOCHS, EPOCHS)


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
    nothing = Lessons("nothing", lambda epoch: [], lessons(learner).loss)
    assert train(learner, nothing, COURSE, None, "k") == Trained(0, 0, None, 0.0)
    assert same(learner, model())


def test_signs_are_learned() -> None:
    """The loss of a model that says nothing is 1."""
    learner = model()
    course = Course(epochs=40, learning_rate=0.02)
    train(learner, lessons(learner), course, None, "k")
    batch = torch.cat(batches(999))
    error = ((learner(batch)[:, 0] - batch[:, 0].sign()) ** 2).mean().item()
    assert error < 0.3
