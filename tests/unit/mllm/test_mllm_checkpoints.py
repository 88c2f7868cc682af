from pathlib import Path

import pytest
import torch
from torch import nn

from gistrec.errors import RunError
from gistrec.mllm.checkpoints import (
    Checkpoints,
    Standing,
    checkpoint_weights,
    put_weights,
    trained_weights,
)

STANDING = Standing(seconds=3.5, best=0.25, best_epoch=1)
BEST = {"weight": torch.zeros(2)}


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((2,), value)}


def nothing(folder: Path) -> None:
    """Nothing else belongs to the checkpoint."""


def fails(folder: Path) -> None:
    (folder / "half").write_text("written", encoding="utf-8")
    raise OSError("disk full")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_newest_is_found_and_older_ones_go(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "k", 1)
    for step in (9, 10):
        kept.save(step, STANDING, weights(step), BEST, nothing)
    newest = kept.latest()
    assert newest is not None
    assert torch.equal(checkpoint_weights(newest)["weight"], torch.full((2,), 10.0))
    standing, best = kept.load(newest)
    assert standing == STANDING
    assert torch.equal(best["weight"], BEST["weight"])
    assert names(tmp_path) == {"step-10", "best-1.safetensors"}


def test_a_new_best_takes_the_place_of_the_old(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "k", 1)
    kept.save(1, STANDING, weights(1), BEST, nothing)
    kept.save(2, Standing(4.0, 0.5, 2), weights(2), weights(7), nothing)
    newest = kept.latest()
    assert newest is not None
    assert torch.equal(kept.load(newest)[1]["weight"], torch.full((2,), 7.0))
    assert names(tmp_path) == {"step-2", "best-2.safetensors"}


def test_a_failed_save_leaves_the_last_good_one(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "k", 1)
    kept.save(1, STANDING, weights(1), BEST, nothing)
    with pytest.raises(OSError, match="disk full"):
        kept.save(2, Standing(4.0, 0.5, 2), weights(2), weights(7), fails)
    newest = kept.latest()
    assert newest is not None
    assert newest.name == "step-1"
    assert torch.equal(kept.load(newest)[1]["weight"], BEST["weight"])
    kept.save(3, STANDING, weights(3), BEST, nothing)
    assert names(tmp_path) == {"step-3", "best-1.safetensors"}


def test_without_a_checkpoint_what_a_kill_left_goes_and_nothing_else(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "k", 1)
    with pytest.raises(OSError, match="disk full"):
        kept.save(2, STANDING, weights(2), BEST, fails)
    assert kept.latest() is None
    (tmp_path / "mine.txt").touch()
    kept.clear()
    assert names(tmp_path) == {"mine.txt"}


@pytest.mark.parametrize(
    ("key", "processes", "reason"),
    [("other", 1, "another training; delete it"), ("k", 2, "by 1 processes, not by 2; start as")],
)
def test_the_checkpoint_of_another_training_is_refused(
    key: str, processes: int, reason: str, tmp_path: Path
) -> None:
    Checkpoints(tmp_path, "k", 1).save(1, STANDING, weights(1), BEST, nothing)
    with pytest.raises(RunError, match=reason):
        Checkpoints(tmp_path, key, processes).latest()


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "c", "k", 1)
    kept.save(1, STANDING, weights(1), BEST, nothing)
    (tmp_path / "c" / "step-1" / "standing.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be read; delete it"):
        kept.latest()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="another version"):
        Checkpoints(tmp_path / "file", "k", 1).latest()


def test_a_tied_weight_is_saved_once_and_put_back_tied() -> None:
    def tied() -> nn.Module:
        pair = nn.ModuleDict({"one": nn.Linear(3, 3, bias=False), "two": nn.Linear(3, 3)})
        pair["two"].weight = pair["one"].weight
        pair["two"].bias.requires_grad_(False)
        return pair

    first, second = tied(), tied()
    found = trained_weights(first)
    assert set(found) == {"one.weight"}
    put_weights(second, found)
    assert torch.equal(second["two"].weight, first["one"].weight)
    assert second["two"].weight is second["one"].weight
