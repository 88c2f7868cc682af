import json
import shutil
import time
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny, in_process_of_its_own

from gistrec.pipeline.lock import locked_run

MODELS = ("mmsrarec", "mmsrarec+evidence", "mmsrarec+fusion")


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    return Path(shutil.copytree(tiny.run, tmp_path / "run"))


def built(said: str) -> list[str]:
    return [line.split(":")[0] for line in said.splitlines() if line.endswith(": starts")]


def manifests(run: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.parent.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in run.glob("[!.]*/manifest.json")
    }


def test_the_same_command_again_makes_nothing_and_is_quick(
    tiny: Tiny, gistrec: Command, copied: Path
) -> None:
    before, board = manifests(copied), (copied / "leaderboard.json").read_bytes()
    start = time.monotonic()
    ended = gistrec.done(*tiny.command(copied))
    assert time.monotonic() - start < 10
    assert built(ended.err) == []
    stood = [line for line in ended.err.splitlines() if "stands already" in line]
    assert len(stood) == len(set(stood)) == len(before)
    assert manifests(copied) == before
    assert (copied / "leaderboard.json").read_bytes() == board
    assert "oracle" in ended.out


@pytest.mark.parametrize(
    ("setting", "again"),
    [
        ("evaluation.resamples=10", []),
        ("evaluation.protocols=[sampled]", ["oracle", "popularity", "sasrec", *MODELS]),
        (
            "recommender.learning_rate=5e-4",
            ["recommender", MODELS[0], "recommender-evidence", MODELS[1], "fusion", MODELS[2]],
        ),
        ("evidence.kinds=[encoder]", ["recommender-evidence", MODELS[1], "fusion", MODELS[2]]),
        ("fusion.l2=9", ["fusion", MODELS[2]]),
        ("baselines.names=[sasrec]", []),
    ],
)
def test_a_changed_setting_makes_again_only_what_it_touches(
    tiny: Tiny, gistrec: Command, copied: Path, setting: str, again: list[str]
) -> None:
    ended = gistrec.done(*tiny.command(copied, "--set", setting))
    systems = ("oracle", "popularity", "sasrec", *MODELS)
    assert built(ended.err) == [f"evaluation-{name}" if name in systems else name for name in again]


def test_more_resamples_make_other_intervals_of_the_same_ranks(
    tiny: Tiny, gistrec: Command, copied: Path
) -> None:
    def metrics() -> list[dict[str, dict[str, float]]]:
        rows = json.loads((copied / "leaderboard.json").read_text(encoding="utf-8"))
        return [row["metrics"] for row in rows]

    before = metrics()
    gistrec.done(*tiny.command(copied, "--set", "evaluation.resamples=500"))
    after = metrics()
    assert [{n: m["value"] for n, m in row.items()} for row in after] == [
        {n: m["value"] for n, m in row.items()} for row in before
    ]
    assert after != before


def test_fewer_epochs_change_the_recommender_and_what_is_drawn_for_it(
    tiny: Tiny, gistrec: Command, copied: Path
) -> None:
    ended = gistrec.done(*tiny.command(copied, "--set", "recommender.epochs=1"))
    assert built(ended.err) == [
        *("collab", "recommender", f"evaluation-{MODELS[0]}"),
        *("evidence", "recommender-evidence", f"evaluation-{MODELS[1]}"),
        *("fusion", f"evaluation-{MODELS[2]}"),
    ]
    manifest = json.loads((copied / "recommender" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["epochs"] == 1
    doctor = gistrec("doctor", "--run", copied)
    assert "stale" not in doctor.out
    assert "not begun" not in doctor.out


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("recommender.epoch=1", "recommender.epochs"),
        ("recomender.epochs=1", "recommender"),
        ("recommender.epochs=many", "recommender.epochs"),
        ("recommender.epochs", "stage.key=value"),
        ("collab.encoder=ease", "collab.encoder"),
    ],
)
def test_a_wrong_setting_is_one_clear_message(
    tiny: Tiny, gistrec: Command, tmp_path: Path, setting: str, named: str
) -> None:
    ended = gistrec(*tiny.command(tmp_path / "run", "--set", setting))
    assert ended.code == 1
    assert named in ended.err
    assert setting in ended.err
    assert "Traceback" not in ended.err
    assert "fault of gistrec itself" not in ended.err
    assert not (tmp_path / "run").exists()


def test_an_unknown_system_is_answered_with_those_there_are(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    asked = ["--dataset", tiny.bazaar, "--run", tmp_path / "run"]
    ended = gistrec("run", "--system", "mmsrare", *asked)
    assert ended.code == 1
    assert "did you mean mmsrarec?" in ended.err


def test_a_damaged_manifest_says_which_and_what_to_do(
    tiny: Tiny, gistrec: Command, copied: Path
) -> None:
    (copied / "gist" / "manifest.json").write_text('{"stage": "gist"', encoding="utf-8")
    ended = gistrec(*tiny.command(copied))
    assert ended.code == 1
    assert "gist/manifest.json is damaged" in ended.err
    assert "delete" in ended.err


def test_a_stage_that_was_deleted_is_made_again(tiny: Tiny, gistrec: Command, copied: Path) -> None:
    shutil.rmtree(copied / "evaluation-sasrec")
    doctor = gistrec("doctor", "--run", copied)
    assert "stage evaluation-sasrec: not begun" in doctor.out
    ended = gistrec.done(*tiny.command(copied))
    assert built(ended.err) == ["evaluation-sasrec"]


@pytest.mark.parametrize("content", ["", "[]", '{"folder": 3}'])
def test_a_run_that_forgot_its_dataset_says_so(
    gistrec: Command, copied: Path, content: str
) -> None:
    (copied / "dataset.json").write_text(content, encoding="utf-8")
    for command in (["recommend", "--user", "u001"], ["doctor"]):
        ended = gistrec(*command, "--run", copied)
        assert ended.code == 1
        assert "dataset.json is absent or damaged" in ended.err


def test_a_dataset_that_went_away_is_named(
    tiny: Tiny, gistrec: Command, copied: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    (copied / "dataset.json").write_text(json.dumps({"folder": str(gone)}), encoding="utf-8")
    ended = gistrec("recommend", "--run", copied, "--user", "u001")
    assert ended.code == 1
    assert str(gone) in ended.err
    assert "fault of gistrec itself" not in ended.err


def test_a_file_is_no_run_folder(tiny: Tiny, gistrec: Command, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")
    ended = gistrec(*tiny.command(tmp_path / "run"))
    assert ended.code == 1
    assert "cannot be a run folder" in ended.err


def test_two_processes_never_work_in_one_run(tiny: Tiny, copied: Path) -> None:
    before = manifests(copied)
    with locked_run(copied):
        other = in_process_of_its_own(tiny.command(copied, "--set", "split.seed=1"))
        printed, _ = other.communicate(timeout=120)
    assert other.returncode == 1
    assert "another gistrec is working in this run" in printed
    assert manifests(copied) == before


def test_a_fatal_defect_is_told_with_file_row_and_field(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(tiny.bazaar, tmp_path / "broken"))
    log = pl.read_parquet(broken / "interactions.parquet")
    row = pl.int_range(pl.len()) == 7
    unknown = pl.when(row).then(pl.lit("no-such-item")).otherwise("item_id").alias("item_id")
    log.with_columns(unknown).write_parquet(broken / "interactions.parquet")
    asked = ["--dataset", broken, "--run", tmp_path / "run", "--config", tiny.config]
    ended = gistrec("run", "--system", "mmsrarec", *asked)
    assert ended.code == 1
    assert "interactions.parquet, row 7, item_id" in ended.err
    assert not (tmp_path / "run").exists()
