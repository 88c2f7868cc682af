import json
import shutil
from pathlib import Path

from end_to_end_cases import Command, Tiny

from gistrec.pipeline.lending import note_lenders
from gistrec.pipeline.outdated import outdated_stages

SMALL = (
    "baselines.molar.width=16",
    "baselines.molar.layers=1",
    "baselines.molar.epochs=1",
    "baselines.molar.items.max_windows=8",
    "baselines.molar.items.length=4",
)


def settings(*more: str) -> list[str]:
    return [part for setting in (*SMALL, *more) for part in ("--set", setting)]


def manifest(run: Path, stage: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((run / stage / "manifest.json").read_bytes())
    return found


def test_a_run_is_joined_by_molar_which_tunes_the_backbone_for_itself(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny.run, run)
    names = "baselines.names=[popularity, sasrec, molar]"
    done = gistrec.done(*tiny.command(run, *settings(names)))
    assert "backbone: stands already" in done.out + done.err
    made = manifest(run, "baseline-molar")
    assert (made["facts"]["tuning"], made["facts"]["alignment"]) == ("full", True)
    assert made["facts"]["images"] == manifest(run, "backbone")["facts"]["images"] > 0
    for stage in ("backbone", "baseline-sasrec"):
        assert made["inputs"][stage] == manifest(run, stage)["fingerprint"]
    assert not (run / "baseline-molar" / "items.checkpoint").exists()
    rows = json.loads((run / "leaderboard.json").read_bytes())
    before = json.loads((tiny.run / "leaderboard.json").read_bytes())
    assert {row["system"] for row in rows} == {row["system"] for row in before} | {"molar"}
    assert outdated_stages(run) == {}


def test_molar_alone_makes_the_backbone_and_the_encoder_first(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    note_lenders(run, [tiny.run])  # the very backbone is there
    asked = tiny.command(run, *settings("recommends=false", "baselines.names=[molar]"))
    gistrec.done(*asked)
    finished = {folder.parent.name for folder in run.glob("*/manifest.json")}
    before = {"split", "backbone", "baseline-sasrec"}
    assert finished == before | {"baseline-molar", "evaluation-molar", "evaluation-oracle"}
    again = gistrec.done(*asked)
    assert "baseline-molar: stands already" in again.out + again.err
