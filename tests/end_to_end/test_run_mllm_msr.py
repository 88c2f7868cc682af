"""The system whose prompts tell a taste: its stages, its variants, and what is made again."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny, in_process_of_its_own
from polars.testing import assert_frame_equal

_AFTER_TASTE = [
    *("recommender", "evaluation-mllm-msr"),
    *("fusion", "evaluation-mllm-msr+fusion"),
]
_PATIENCE = 120.0  # seconds until the stage must have begun


@pytest.fixture
def copied(msr: Tiny, tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    return Path(shutil.copytree(msr.run, tmp_path / "run"))


def built(said: str) -> list[str]:
    return [line.split(":")[0] for line in said.splitlines() if line.endswith(": starts")]


def tastes(run: Path) -> pl.DataFrame:
    parts = [pl.read_parquet(run / "taste" / f"{part}.parquet") for part in ("training", "asked")]
    return pl.concat(parts).drop("seconds")


def test_the_pure_system_and_the_fused_one_stand_in_the_leaderboard(msr: Tiny) -> None:
    rows = json.loads((msr.run / "leaderboard.json").read_bytes())
    assert {row["system"] for row in rows} == {
        *("oracle", "popularity", "mllm-msr", "mllm-msr+fusion")
    }
    stages = built(msr.said)
    assert stages.index("gist") < stages.index("taste") < stages.index("recommender")
    facts = json.loads((msr.run / "recommender" / "manifest.json").read_bytes())
    assert facts["inputs"]["taste"]


def test_every_item_is_told_in_a_sentence_and_every_question_has_a_taste(msr: Tiny) -> None:
    gists = pl.read_parquet(msr.run / "gist" / "gists.parquet")
    assert gists["summary"].null_count() < len(gists)
    assert gists["image_keywords"].list.len().sum() == 0
    asked = pl.read_parquet(msr.run / "taste" / "asked.parquet")
    for part in ("test", "cold"):
        users = pl.read_parquet(msr.run / "split" / f"{part}.parquet")["user_id"]
        assert set(users) <= set(asked["user_id"])
    assert asked["block"].to_list() == [-(-moment // 3) for moment in asked["moment"]]
    assert asked["taste"].n_unique() > 1


def test_the_same_command_again_makes_nothing_of_it(
    msr: Tiny, gistrec: Command, copied: Path
) -> None:
    board = (copied / "leaderboard.json").read_bytes()
    assert built(gistrec.done(*msr.command(copied)).err) == []
    assert (copied / "leaderboard.json").read_bytes() == board
    doctor = gistrec("doctor", "--run", copied)
    assert "ok  stage taste" in doctor.out
    assert "stale" not in doctor.out


def test_another_block_makes_the_taste_again_and_not_the_gists(
    msr: Tiny, gistrec: Command, copied: Path
) -> None:
    ended = gistrec.done(*msr.command(copied, "--set", "taste.block=2"))
    assert built(ended.err) == ["taste", *_AFTER_TASTE]
    asked = pl.read_parquet(copied / "taste" / "asked.parquet")
    assert asked["block"].to_list() == [-(-moment // 2) for moment in asked["moment"]]


def test_variants_tell_the_whole_history_at_once_or_none(
    msr: Tiny, gistrec: Command, copied: Path
) -> None:
    ended = gistrec.done(*msr.command(copied, "--ablate", "direct,recent-history"))
    variants = copied / "variants"
    assert {path.name for path in variants.iterdir()} == {"direct", "recent-history"}
    assert built(ended.err).count("taste") == 1
    assert "gist" not in built(ended.err)
    assert not (variants / "recent-history" / "taste").exists()
    assert set(tastes(variants / "direct")["block"]) == {1}
    rows = json.loads((copied / "ablations.json").read_bytes())["rows"]
    assert {row["variant"] for row in rows} == {"full", "direct", "recent-history"}
    assert "recent-history" in ended.out


def test_an_interrupted_taste_stage_goes_on(msr: Tiny, gistrec: Command, copied: Path) -> None:
    shutil.rmtree(copied / "taste")
    slow = ["--set", "taste.batch_size=1"]  # decides no answer
    process = in_process_of_its_own(msr.command(copied, *slow))
    journal, until = copied / ".taste.partial" / "answers.jsonl", time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        if journal.exists() and journal.read_bytes().count(b"\n") > 5:
            break
        time.sleep(0.002)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    printed, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, printed
    before = journal.read_bytes().splitlines()
    ended = gistrec.done(*msr.command(copied))
    assert "taste: goes on from where it was interrupted" in ended.err
    assert built(ended.err) == []
    assert_frame_equal(tastes(copied), tastes(msr.run))
    after = (copied / "taste" / "answers.jsonl").read_bytes().splitlines()
    assert after[: len(before) - 1] == before[:-1]  # the last may be half a line
    assert len(after) == len({json.loads(line)["asked"] for line in after})
    manifest = json.loads((copied / "taste" / "manifest.json").read_bytes())
    assert manifest["attempts"] == 2
