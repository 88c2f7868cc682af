import sys
from pathlib import Path

import pytest
from click import unstyle
from typer.testing import CliRunner

from gistrec.cli.main import app

sys.path.append(str(Path(__file__).parents[1] / "evaluation"))
from report_cases import write_run


@pytest.mark.parametrize(("width", "has_effect"), [(120, True), (60, False), (40, False)])
def test_names_and_figures_stay_whole_on_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, has_effect: bool
) -> None:
    run = write_run(tmp_path, {"mmsrarec+evidence": 2, "popularity": 9})
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = CliRunner().invoke(app, ["compare", str(run), "--resamples", "100"])
    table = unstyle(shown.stdout).partition("beats")[0]
    assert "mmsrarec+evidence  popularity" in table.replace("│", "").replace("   ", "  ")
    assert ("effect" in table.partition("mmsrarec")[0]) == has_effect
    if not has_effect:
        assert "too narrow for worse for" in table
