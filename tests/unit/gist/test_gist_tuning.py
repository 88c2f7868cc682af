"""Tuning by rewards, from questions to the report."""

from pathlib import Path

import pytest
import torch
from tuning_cases import ALL, LORA, copied, settings, shop_of, talker

from gistrec.errors import RunError
from gistrec.files import read_json
from gistrec.gist.tuning import tune
from gistrec.gist.tuning.report import TuningReport
from gistrec.gist.tuning.trainer import CHECKPOINTS, GistTrainer
from gistrec.gist.tuning.tune import CURVES_FILE, REPORT_FILE, tune_gists
from gistrec.mllm.adapters import add_lora, has_adapter, is_adapter
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.checkpoints import trained_weights


def test_the_reward_that_is_asked_for_rises(
    tiny_backbone: Backbone,
    pictures: list[bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rewarded for few keywords alone, a model comes to say less; what it came to is on disk."""
    model = copied(talker(tiny_backbone))
    asked = settings(steps=24, validate_every=8, generations=8, batch_size=16, learning_rate=1e-2)
    report = tune_gists(model, shop_of(model, pictures), asked, tmp_path, "key")
    assert report.after.reward > report.before.reward
    assert report.after.keywords_an_item < report.before.keywords_an_item
    assert report.best_step > 0
    assert report == TuningReport.model_validate(read_json(tmp_path / REPORT_FILE))
    assert (tmp_path / CURVES_FILE).read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "tensorboard").iterdir())
    assert not (tmp_path / CHECKPOINTS).exists()
    noise = [line for line in capsys.readouterr().err.splitlines() if "gist tuning" not in line]
    assert noise == []


@pytest.mark.parametrize("every", [2, 4])
def test_a_resumed_tuning_ends_as_an_uninterrupted_one(
    tiny_backbone: Backbone,
    pictures: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    every: int,
) -> None:
    """Also where nothing had been judged yet: checkpoints come by time as well."""
    asked = settings(rewards=ALL, batch_size=4, kl=0.1, validate_every=every)
    monkeypatch.setattr(tune, "_CHECKPOINT_SECONDS", 0.0)
    whole = copied(talker(tiny_backbone))
    shop = shop_of(whole, pictures)
    expected = tune_gists(whole, shop, asked, tmp_path / "whole", "key")
    seen, compute = 0, GistTrainer.compute_loss

    def interrupted(trainer: GistTrainer, *args: object, **options: object) -> torch.Tensor:
        nonlocal seen
        seen += 1
        if seen == 2 * 3:  # in the third step, each of two batches
            raise KeyboardInterrupt
        return compute(trainer, *args, **options)

    def counted(trainer: GistTrainer, *args: object, **options: object) -> torch.Tensor:
        nonlocal seen
        seen += 1
        return compute(trainer, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(GistTrainer, "compute_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune_gists(copied(talker(tiny_backbone)), shop, asked, tmp_path / "cut", "key")
    resumed, begun = copied(talker(tiny_backbone)), seen
    monkeypatch.setattr(GistTrainer, "compute_loss", counted)
    found = tune_gists(resumed, shop, asked, tmp_path / "cut", "key")
    assert seen - begun == 2 * 2  # the last two of four steps
    assert found.model_copy(update={"seconds": expected.seconds}) == expected
    weights = whole.model.state_dict()
    assert all(torch.equal(value, weights[k]) for k, value in resumed.model.state_dict().items())


def test_a_tuning_cut_off_after_its_last_step_is_not_done_again(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, model = settings(), copied(talker(tiny_backbone))
    shop = shop_of(model, pictures)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tune, "draw_curves", killed)
        with pytest.raises(KeyboardInterrupt):
            tune_gists(model, shop, asked, tmp_path, "key")
    with monkeypatch.context() as patched:
        patched.setattr(GistTrainer, "compute_loss", killed)
        resumed = copied(talker(tiny_backbone))
        report = tune_gists(resumed, shop, asked, tmp_path, "key")
    assert report.steps == asked.tuning.steps
    expected = model.model.state_dict()
    assert all(torch.equal(value, expected[k]) for k, value in resumed.model.state_dict().items())


def test_a_tuning_cut_off_after_it_ran_out_of_patience_does_not_go_on(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, model = settings(steps=50, validate_every=1, patience=2), copied(tiny_backbone)
    shop = shop_of(model, pictures)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tune, "draw_curves", killed)
        with pytest.raises(KeyboardInterrupt):
            tune_gists(model, shop, asked, tmp_path, "key")
    cut = TuningReport.model_validate(read_json(tmp_path / REPORT_FILE))
    monkeypatch.setattr(GistTrainer, "compute_loss", killed)
    report = tune_gists(copied(tiny_backbone), shop, asked, tmp_path, "key")
    assert report == cut
    assert report.steps == 2
    assert (tmp_path / CURVES_FILE).exists()


def test_the_untuned_model_stays_where_no_step_is_better(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path
) -> None:
    """A model that never answers with a list gets the same reward whatever it says."""
    model = copied(tiny_backbone)
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    asked = settings(steps=50, validate_every=1, patience=2)
    report = tune_gists(model, shop_of(model, pictures), asked, tmp_path, "key")
    assert (report.best_step, report.steps) == (0, 2)
    assert all(torch.equal(value, before[k]) for k, value in model.model.state_dict().items())
    assert any("stays as it was" in line for line in report.told())
    assert any("with 0 lists of keywords" in line for line in report.told())


@pytest.mark.parametrize("adapted", [False, True])
def test_lora_tunes_an_adapter_and_nothing_else(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path, adapted: bool
) -> None:
    """Also where the backbone has an adapter already, which then goes on."""
    model = copied(talker(tiny_backbone))
    if adapted:
        add_lora(model, LORA)
    asked = settings(rewards=ALL, tuning=LORA, kl=0.05, learning_rate=1e-2, steps=2)
    tune_gists(model, shop_of(model, pictures), asked, tmp_path, "key")
    assert has_adapter(model)
    assert all("lora" in name for name in trained_weights(model.model))
    untouched = talker(tiny_backbone).model.state_dict()
    kept = {name.replace(".base_layer", ""): v for name, v in model.model.state_dict().items()}
    assert all(torch.equal(kept[name], value) for name, value in untouched.items())
    model.save(tmp_path / "model")
    assert is_adapter(tmp_path / "model")


def test_a_loss_that_is_not_finite_is_told(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path
) -> None:
    model = copied(talker(tiny_backbone))
    asked = settings(learning_rate=1e30, steps=20, validate_every=20)
    with pytest.raises(RunError, match=r"no longer finite; lower gist\.tuning\.learning_rate"):
        tune_gists(model, shop_of(model, pictures), asked, tmp_path, "key")
