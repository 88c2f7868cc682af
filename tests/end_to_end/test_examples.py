import runpy
import sys
from pathlib import Path

import pytest
from end_to_end_cases import Tiny

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_quick_start_runs_and_shows_a_leaderboard_and_reasons(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--users", "80", "--items", "300", "--config", str(tiny.config)]
    monkeypatch.setattr(sys, "argv", ["quickstart.py", "--folder", str(tmp_path / "quick"), *sizes])
    runpy.run_path(str(EXAMPLES / "quickstart.py"), run_name="__main__")
    shown = capsys.readouterr().out
    for system in ("oracle", "popularity", "sasrec", "mmsrarec"):
        assert system in shown
    assert "HR@5 low" in shown
    assert "latest: " in shown
    assert (tmp_path / "quick" / "run" / "leaderboard.json").exists()
