from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from gistrec.cli.doctor import backbone_findings, machine_findings, run_findings
from gistrec.cli.main import app
from gistrec.errors import RunError
from gistrec.mllm.families.registry import FAMILIES
from gistrec.mllm.processor import made_here
from gistrec.pipeline.stage import run_stage


class Empty(BaseModel):
    pass


def test_the_machine_is_described() -> None:
    text = "\n".join(finding.text for finding in machine_findings())
    for word in ("python 3.", "torch ", "cores", "accelerator", "memory", "disk"):
        assert word in text


def test_a_run_is_described_stage_by_stage(tmp_path: Path) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    run_stage(tmp_path, "split", Empty(), {}, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "gist", Empty(), {}, interrupted)
    found = {finding.text.split(",")[0]: finding.state for finding in run_findings(tmp_path)}
    assert found["stage split: done"] == "ok"
    assert found["stage gist: partial"] == "off"
    assert found["leaderboard.json is absent: it was not evaluated yet"] == "off"


def test_the_command_prints_both(tmp_path: Path) -> None:
    run_stage(tmp_path, "split", Empty(), {}, lambda _: None)
    shown = runner_invoke(tmp_path)
    assert "machine" in shown
    assert "stage split: done" in shown


def runner_invoke(run: Path) -> str:
    return CliRunner().invoke(app, ["doctor", "--run", str(run)]).stdout


def test_a_run_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run folder"):
        list(run_findings(tmp_path / "absent"))


def test_every_family_is_named_with_its_processor() -> None:
    lines = [finding.text for finding in backbone_findings()]
    for model_type in FAMILIES:
        assert any(
            line.startswith(f"family {model_type}: {made_here(model_type)}") for line in lines
        )
    assert "LoRA: peft" in lines


def test_a_backbone_that_is_gone_is_bad(tmp_path: Path) -> None:
    run, model = tmp_path / "run", tmp_path / "model"
    (run / "backbone").mkdir(parents=True)
    (run / "backbone" / "source.json").write_text(f'{{"model": "{model}", "content": ""}}')
    assert any("is gone" in finding.text for finding in run_findings(run))
    model.mkdir()
    assert not any("is gone" in finding.text for finding in run_findings(run))
