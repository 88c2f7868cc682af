import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from gistrec.errors import RunError
from gistrec.files import read_json, write_json
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.manifest import find_manifest, read_manifest, stage_fingerprint
from gistrec.pipeline.stage import partial_folder, run_stage
from gistrec.pipeline.states import stage_states


class Toy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = 3


def writes(text: str, calls: list[str]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        calls.append(text)
        (folder / "out.txt").write_text(text)

    return build


def test_a_stage_is_built_once_and_then_skipped(tmp_path: Path) -> None:
    calls: list[str] = []
    first = run_stage(tmp_path, "a", Toy(), {}, writes("one", calls))
    second = run_stage(tmp_path, "a", Toy(), {}, writes("two", calls))
    assert first == second == tmp_path / "a"
    assert calls == ["one"]
    assert (first / "out.txt").read_text() == "one"


@pytest.mark.parametrize(
    ("config", "inputs", "code"),
    [(Toy(steps=4), {"data": "x"}, "1"), (Toy(), {"data": "y"}, "1"), (Toy(), {"data": "x"}, "2")],
    ids=["config", "input", "code"],
)
def test_whatever_decides_the_result_makes_it_run_again(
    tmp_path: Path, config: Toy, inputs: dict[str, str], code: str
) -> None:
    calls: list[str] = []
    run_stage(tmp_path, "a", Toy(), {"data": "x"}, writes("old", calls))
    (tmp_path / "a" / "left.txt").write_text("from the old one")
    run_stage(tmp_path, "a", config, inputs, writes("new", calls), code=code)
    assert calls == ["old", "new"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["manifest.json", "out.txt"]


def test_a_change_in_an_early_stage_reaches_the_late_one(tmp_path: Path) -> None:
    calls: list[str] = []
    for steps in (1, 1, 2):
        early = run_stage(tmp_path, "early", Toy(steps=steps), {}, writes(f"early {steps}", calls))
        inputs = {"early": stage_fingerprint(early)}
        run_stage(tmp_path, "late", Toy(), inputs, writes(f"late {steps}", calls))
    assert calls == ["early 1", "late 1", "early 2", "late 2"]


def test_the_manifest_tells_what_was_done(tmp_path: Path) -> None:
    run_stage(tmp_path, "a", Toy(steps=5), {"data": "x"}, lambda _: {"rows": 7})
    manifest = read_manifest(tmp_path / "a")
    assert manifest.facts == {"rows": 7}
    assert manifest.config == {"steps": 5}
    assert manifest.inputs == {"data": "x"}
    assert manifest.attempts == 1
    assert manifest.seconds >= 0
    assert manifest.peak_mib > 1
    assert {"gistrec", "python", "torch", "transformers"} <= set(manifest.versions)


def test_the_peak_is_that_of_the_stage_and_not_of_an_earlier_one(tmp_path: Path) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system cannot start a new peak of memory")
    run_stage(tmp_path, "big", Toy(), {}, lambda _: {"sum": sum(bytearray(200 * 1024**2)[:9])})
    run_stage(tmp_path, "small", Toy(), {}, lambda _: None)
    big, small = (read_manifest(tmp_path / name).peak_mib for name in ("big", "small"))
    assert big - small > 100


def test_a_failed_stage_resumes_in_what_it_left(tmp_path: Path) -> None:
    def fails_halfway(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        message = "out of luck"
        raise ValueError(message)

    with pytest.raises(ValueError, match="out of luck"):
        run_stage(tmp_path, "a", Toy(), {}, fails_halfway)
    assert not (tmp_path / "a").exists()
    spent = read_json(partial_folder(tmp_path, "a") / "intent.json")["seconds"]
    seen: list[str] = []
    run_stage(
        tmp_path, "a", Toy(), {}, lambda folder: seen.append((folder / "half.txt").read_text())
    )
    assert seen == ["half"]
    assert read_manifest(tmp_path / "a").attempts == 2
    assert read_manifest(tmp_path / "a").seconds >= round(spent, 3)
    assert not (tmp_path / "a" / "intent.json").exists()


@pytest.mark.parametrize("kept", ["", ".aside", "tensorboard/events", "checkpoint/step-1"])
def test_it_is_said_whether_anything_is_gone_on_from(
    tmp_path: Path, kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(folder: Path) -> None:
        if kept:
            (folder / kept).parent.mkdir(exist_ok=True)
            (folder / kept).touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "a", Toy(), {}, interrupted)
    capsys.readouterr()
    found = run_stage(tmp_path, "a", Toy(), {}, lambda _: None)
    goes_on = kept == "checkpoint/step-1"
    said = "a: goes on from where it was interrupted" if goes_on else "a: starts again"
    assert said in capsys.readouterr().err
    assert {path.name for path in found.iterdir()} == {"manifest.json"} | (
        {"checkpoint"} if goes_on else set()
    )
    assert read_manifest(found).attempts == 2


def test_the_time_of_a_killed_attempt_counts_up_to_its_last_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "a", Toy(), {}, _interrupt)
    partial = partial_folder(tmp_path, "a")
    intent = {**read_json(partial / "intent.json"), "seconds": 5.0, "started": 1_000.0}
    write_json(partial / "intent.json", intent)  # as a kill leaves it
    (partial / "checkpoint").touch()
    os.utime(partial / "checkpoint", (1_060.0, 1_060.0))
    run_stage(tmp_path, "a", Toy(), {}, lambda _: None)
    manifest = read_manifest(tmp_path / "a")
    assert manifest.seconds == pytest.approx(5 + 60, abs=1)
    assert manifest.attempts == 2


def test_what_was_left_for_another_config_is_not_resumed(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "a", Toy(steps=1), {}, interrupted)
    run_stage(tmp_path, "a", Toy(steps=2), {}, lambda _: None)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["manifest.json"]


def test_an_interruption_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "a", Toy(), {}, interrupted)
    assert "run the same command again to continue" in capsys.readouterr().err


def test_the_old_result_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    run_stage(tmp_path, "a", Toy(steps=1), {}, writes("old", []))
    standing: list[str] = []
    run_stage(
        tmp_path,
        "a",
        Toy(steps=2),
        {},
        lambda _: standing.append((tmp_path / "a" / "out.txt").read_text()),
    )
    assert standing == ["old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "a"]


def test_a_folder_that_is_no_stage_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="in the way"):
        run_stage(tmp_path, "a", Toy(), {}, lambda _: None)
    assert (tmp_path / "a" / "thesis.txt").read_text() == "precious"


def test_a_file_in_place_of_the_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="cannot be a run folder"):
        run_stage(tmp_path / "run", "a", Toy(), {}, lambda _: None)


@pytest.mark.parametrize("text", ["", "{", '{"stage": "a"}'])
def test_a_damaged_manifest_is_reported(tmp_path: Path, text: str) -> None:
    run_stage(tmp_path, "a", Toy(), {}, lambda _: None)
    (tmp_path / "a" / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        run_stage(tmp_path, "a", Toy(), {}, lambda _: None)


def test_an_unfinished_stage_has_no_fingerprint(tmp_path: Path) -> None:
    assert find_manifest(tmp_path / "a") is None
    with pytest.raises(RunError, match="'a' is not finished"):
        stage_fingerprint(tmp_path / "a")


def test_two_processes_do_not_work_in_one_run(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gistrec.pipeline.lock import locked_run\n"
        f"with locked_run(Path({str(tmp_path)!r})): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    try:
        with pytest.raises(RunError, match="another gistrec is working in this run"):
            run_stage(tmp_path, "a", Toy(), {}, lambda _: None)
    finally:
        other.kill()
        other.communicate()
    with locked_run(tmp_path):
        run_stage(tmp_path, "a", Toy(), {}, lambda _: None)  # nested within one process


def test_states_tell_done_stale_and_partial(tmp_path: Path) -> None:
    early = run_stage(tmp_path, "early", Toy(), {}, lambda _: None)
    run_stage(tmp_path, "late", Toy(), {"early": stage_fingerprint(early)}, lambda _: None)
    run_stage(tmp_path, "early", Toy(steps=9), {}, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "third", Toy(), {}, _interrupt)
    states = {state.name: state.state for state in stage_states(tmp_path)}
    assert states == {"early": "done", "late": "stale", "third": "partial"}


def _interrupt(_: Path) -> None:
    raise KeyboardInterrupt


# A pipeline of two stages of four checkpointed steps each. The nth moment at which it could be
# killed kills it; every built step is noted in a log outside the run, every moment printed.
TOY_PIPELINE = """
import os, signal, sys
from pathlib import Path
from pydantic import BaseModel
from gistrec.pipeline.manifest import stage_fingerprint
from gistrec.pipeline import stage as machinery
from gistrec.files import write_text

run, log, word, kill_at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
passed = 0

def moment():
    global passed
    passed += 1
    if passed == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(function):
    def around(*arguments):
        moment()
        result = function(*arguments)
        moment()
        return result
    return around

for name in ("_write_intent", "write_manifest", "_publish"):
    setattr(machinery, name, watched(getattr(machinery, name)))
Path.rename = watched(Path.rename)

class Config(BaseModel):
    word: str

def steps(name):
    def build(folder):
        for step in range(4):
            part = folder / f"{step}.txt"
            if not part.exists():
                with log.open("a") as notes:
                    notes.write(f"{word} {name} {step}\\n")
                write_text(part, f"{word} {name} {step}")
                moment()
    return build

first = machinery.run_stage(run, "first", Config(word=word), {}, steps("first"))
inputs = {"first": stage_fingerprint(first)}
machinery.run_stage(run, "second", Config(word=word), inputs, steps("second"))
print(passed)
"""
# In each stage four steps, and before and after: intent, manifest, publication, and two renames.
MOMENTS = 2 * (4 + 2 * 5)


def contents(run: Path) -> dict[str, str]:
    """Every file but the lock; of the manifests only what does not depend on the clock."""
    found = {}
    for path in sorted(run.rglob("*")):
        if path.name == "manifest.json":
            found[str(path.relative_to(run))] = read_manifest(path.parent).fingerprint
        elif path.is_file() and path.name != ".lock":
            found[str(path.relative_to(run))] = path.read_text()
    return found


def toy(folder: Path, word: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = [str(folder / "run"), str(folder / "log"), word, str(kill_at)]
    command = [sys.executable, "-c", TOY_PIPELINE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("old")
    assert toy(folder, "old").returncode == 0
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, old: Path) -> Path:
    """A run that was made anew with other words, and never killed."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(old, folder, dirs_exist_ok=True)
    assert int(toy(folder, "new").stdout) == MOMENTS
    return folder


@pytest.mark.parametrize("kill_at", range(1, MOMENTS + 1, 2))  # after one is before the next
def test_a_killed_run_ends_as_if_it_had_not_been_killed(
    tmp_path: Path, old: Path, whole: Path, kill_at: int
) -> None:
    shutil.copytree(old, tmp_path, dirs_exist_ok=True)
    assert toy(tmp_path, "new", kill_at).returncode == -signal.SIGKILL
    assert toy(tmp_path, "new").returncode == 0
    assert contents(tmp_path / "run") == contents(whole / "run")
    built = (tmp_path / "log").read_text().splitlines()
    assert sorted(built) == sorted((whole / "log").read_text().splitlines())
    assert len(built) == len(set(built)) == 2 * 2 * 4  # no step was built twice


def test_a_folder_of_something_else_is_no_place_for_a_run(tmp_path: Path) -> None:
    refuse_other_folder(tmp_path / "absent")
    refuse_other_folder(tmp_path)
    (tmp_path / "items.parquet").touch()
    with pytest.raises(RunError, match="holds something that is not a run"):
        refuse_other_folder(tmp_path)
    with locked_run(tmp_path):
        pass
    refuse_other_folder(tmp_path)
