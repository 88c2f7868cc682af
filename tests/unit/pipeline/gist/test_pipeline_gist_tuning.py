"""The stage that tunes who writes gists, on a small bazaar with a barely taught backbone."""

import shutil
from pathlib import Path

import pytest

from gistrec import schema
from gistrec.config.backbone import BackboneConfig, EmbeddedConfig
from gistrec.config.bazaar import BazaarConfig
from gistrec.config.gist import GistConfig
from gistrec.config.gist_tuning import GistTuningConfig
from gistrec.config.rewards import RewardConfig
from gistrec.config.system import SystemConfig
from gistrec.data.bazaar.make import write_bazaar
from gistrec.errors import RunError
from gistrec.mllm.loading import load_backbone
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.gist.stage import gist_stage
from gistrec.pipeline.gist.tuning import gist_tuning_report, gist_tuning_stage
from gistrec.pipeline.manifest import read_manifest, write_manifest
from gistrec.pipeline.split import split_stage
from gistrec.pipeline.workplace import Workplace

EMBEDDED = EmbeddedConfig(
    width=32,
    layers=1,
    vision_width=32,
    vision_layers=1,
    vocabulary=700,
    primer_drawings=48,
    invented_users=0,
    epochs=1,
)
TUNING = GistTuningConfig(
    kind="grpo",
    rewards=RewardConfig(encoder="lsa"),
    steps=2,
    questions=2,
    generations=2,
    validation_items=3,
    validate_every=1,
)


def workplace(run: Path, dataset: Path, gist: GistConfig) -> Workplace:
    bazaar = write_bazaar(dataset, BazaarConfig(items=40, users=4))
    backbone = BackboneConfig(embedded=EMBEDDED)
    return Workplace(run, SystemConfig(name="tiny", backbone=backbone, gist=gist), bazaar)


def test_a_stage_that_tunes_leaves_a_model_and_tells_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gist = GistConfig(max_new_tokens=8, tuning=TUNING, encoder="lsa")
    work = workplace(tmp_path / "run", tmp_path / "bazaar", gist)
    backbone = backbone_stage(work, split_stage(work))
    folder = gist_tuning_stage(work, backbone)
    assert folder == work.run / "gist-tuning"
    load_backbone(folder / "model")
    manifest, report = read_manifest(folder), gist_tuning_report(work.run)
    assert report is not None
    assert manifest.facts["reward_after"] == report.after.reward
    assert set(manifest.inputs) == {"dataset", "backbone", "prompts", "encoder"}
    assert "gists tuned: reward" in capsys.readouterr().err
    assert gist_tuning_stage(work, backbone) == folder
    assert "gist-tuning: stands already" in capsys.readouterr().err
    assert len(gist_stage(work, backbone, folder)) == 40
    assert "gist-tuning" in read_manifest(work.run / "gist").inputs
    (folder / "report.json").write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        gist_tuning_report(work.run)


def test_gists_of_a_model_that_no_step_made_better_say_so(tmp_path: Path) -> None:
    gist = GistConfig(max_new_tokens=8, tuning=TUNING, encoder="lsa")
    work = workplace(tmp_path / "run", tmp_path / "bazaar", gist)
    backbone = backbone_stage(work, split_stage(work))
    tuned = gist_tuning_stage(work, backbone)
    assert tuned is not None
    manifest = read_manifest(tuned)
    for best, said in ((0, "embedded (untuned: no step"), (2, "embedded, gist-tuning")):
        facts = {**manifest.facts, "best_step": best}
        write_manifest(tuned, manifest.model_copy(update={"facts": facts}))
        (model,) = set(gist_stage(work, backbone, tuned)[schema.MODEL])
        assert model.startswith(said)
        shutil.rmtree(work.run / "gist")


def test_without_tuning_there_is_no_stage(tmp_path: Path) -> None:
    work = workplace(tmp_path / "run", tmp_path / "bazaar", GistConfig())
    assert gist_tuning_stage(work, tmp_path) is None
    assert gist_tuning_report(work.run) is None
    assert not (work.run / "gist-tuning").exists()
