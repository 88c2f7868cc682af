import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gistrec.cli import main as command
from gistrec.config.evidence import EvidenceConfig
from gistrec.config.variants import MLLM_MSR, MMSRAREC
from gistrec.errors import DataError


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gistrec.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_help_names_every_command_and_exits_with_0() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for name in ("data", "leaderboard", "doctor"):
        assert re.search(rf"\b{name}\b", shown.stdout)


def test_the_version_is_that_of_the_package() -> None:
    assert re.fullmatch(r"gistrec \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"], ["leaderboard"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    shown = run(*arguments)
    assert shown.returncode == 2
    assert "Usage" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, gistrec.cli.main; "
        "print([m for m in ('torch', 'transformers', 'polars', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def failing(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Put a command in place that raises ``fault``."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise fault

    monkeypatch.setattr(command, "app", app)
    monkeypatch.setattr(sys, "argv", ["gistrec"])


def test_a_fault_of_the_input_is_one_message_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, DataError("items.parquet: column title is missing"))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "gistrec: items.parquet: column title is missing\n"


def test_a_fault_of_gistrec_says_so_and_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GISTREC_DEBUG", raising=False)
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in message
    assert "GISTREC_DEBUG=1" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("fault", [ZeroDivisionError("x"), DataError("x")])
def test_debugging_keeps_the_traceback(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    monkeypatch.setenv("GISTREC_DEBUG", "1")
    failing(monkeypatch, fault)
    with pytest.raises(type(fault)):
        command.main()


def test_an_interruption_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "app", app)
    monkeypatch.setattr(sys, "argv", ["gistrec"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 130


def test_what_the_disk_refuses_is_no_fault_of_gistrec(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GISTREC_DEBUG", raising=False)
    failing(monkeypatch, NotADirectoryError(errno.ENOTDIR, "Not a directory", "here/there"))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "gistrec: here/there: Not a directory\n"


def test_waiting_threads_soon_sleep_unless_the_person_says_otherwise() -> None:
    code = "import os, gistrec.cli.main; print(os.environ['GOMP_SPINCOUNT'])"
    clean = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    for given, expected in (({}, "5000"), ({"GOMP_SPINCOUNT": "300000"}, "300000")):
        done = subprocess.run(
            [sys.executable, "-c", code], env=clean | given, capture_output=True, text=True
        )
        assert done.stdout.strip() == expected


def test_the_help_of_run_names_every_preset_of_its_own_and_every_ablation() -> None:
    told = run("run", "--help").stdout
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", told))
    presets = {"mmsrarec", "mmsrarec-paper", "mllm-msr", "mllm-msr-paper"}
    assert presets | {variant.name for variant in (*MMSRAREC, *MLLM_MSR)} <= words


def test_the_readme_names_every_kind_of_evidence() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert all(f"`{kind}` (" in readme for kind in EvidenceConfig().kinds)


@pytest.mark.parametrize("name", ["prompt", "recommend"])
def test_help_tells_by_what_rule_systems_are_called(name: str) -> None:
    shown = run(name, "--help").stdout
    assert "<system>, <system>+evidence or <system>+fusion" in " ".join(shown.split())
    assert "mmsrarec" not in shown


@pytest.mark.parametrize("name", ["gist", "taste"])
def test_a_folder_that_is_no_run_is_said_to_be_none(name: str, tmp_path: Path) -> None:
    shown = run(name, "--run", str(tmp_path / "nope"))
    assert shown.returncode == 1
    assert shown.stderr == (
        f"gistrec: {tmp_path / 'nope'} is no run: it has no config.yaml; `gistrec run` makes one\n"
    )
