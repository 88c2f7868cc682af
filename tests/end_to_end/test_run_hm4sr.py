import json
import shutil
from pathlib import Path

from end_to_end_cases import Command, Tiny

from gistrec.pipeline.lending import note_lenders
from gistrec.pipeline.outdated import outdated_stages

SMALL = (
    "baselines.hm4sr.width=16",
    "baselines.hm4sr.layers=1",
    "baselines.hm4sr.epochs=1",
    "baselines.hm4sr.text=lsa",
)


def settings(*more: str) -> list[str]:
    return [part for setting in (*SMALL, *more) for part in ("--set", setting)]


def manifest(run: Path, stage: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((run / stage / "manifest.json").read_bytes())
    return found


def test_a_run_is_joined_by_hm4sr_which_reads_what_the_backbone_sees(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny.run, run)
    names = "baselines.names=[popularity, sasrec, hm4sr]"
    done = gistrec.done(*tiny.command(run, *settings(names)))
    assert "backbone: stands already" in done.out + done.err
    made = manifest(run, "baseline-hm4sr")
    assert made["facts"]["temporal_experts"] == "fixed"
    assert made["facts"]["text_encoder"] == "lsa"
    assert made["facts"]["images"] == manifest(run, "backbone")["facts"]["images"] > 0
    assert made["facts"]["categories"] == 0
    assert made["inputs"]["backbone"] == manifest(run, "backbone")["fingerprint"]
    rows = json.loads((run / "leaderboard.json").read_bytes())
    before = json.loads((tiny.run / "leaderboard.json").read_bytes())
    assert {row["system"] for row in rows} == {row["system"] for row in before} | {"hm4sr"}
    assert outdated_stages(run) == {}


def test_hm4sr_alone_makes_the_backbone_first_and_is_not_made_twice(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    note_lenders(run, [tiny.run])  # the very backbone is there
    asked = tiny.command(run, *settings("recommends=false", "baselines.names=[hm4sr]"))
    gistrec.done(*asked)
    finished = {folder.parent.name for folder in run.glob("*/manifest.json")}
    alone = {"split", "backbone", "baseline-hm4sr", "evaluation-hm4sr", "evaluation-oracle"}
    assert finished == alone
    fitted = manifest(run, "baseline-hm4sr")
    again = gistrec.done(*asked)
    assert "baseline-hm4sr: stands already" in again.out + again.err
    gistrec.done(*asked, "--set", "baselines.hm4sr.temporal_experts=as-released")
    released = manifest(run, "baseline-hm4sr")
    assert released["facts"]["temporal_experts"] == "as-released"
    assert released["fingerprint"] != fitted["fingerprint"]
