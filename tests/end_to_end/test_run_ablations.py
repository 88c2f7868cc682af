"""Variants and seeds of one system, far smaller than the run that other tests here look at."""

import json
from pathlib import Path

import pytest
from end_to_end_cases import Command
from PIL import Image

SMALL = """
split: {test_fraction: 0.2}
evaluation: {protocols: [sampled, full], resamples: 20}
baselines:
  names: [popularity]
  sasrec: {width: 16, negatives: null, epochs: 2}
backbone:
  embedded:
    {width: 32, layers: 2, vision_width: 32, vision_layers: 1, primer_drawings: 24,
     invented_users: 24, epochs: 1}
gist: {max_new_tokens: 8, tuning: {kind: none}}
evidence: {kinds: []}
fusion: {on: false}
recommender: {epochs: 1, max_windows: 16, batch_size: 8, negatives: 4, history: 4, retrieved: 6}
"""
ASKED = [
    *("--ablate", "without-rlvr,without-similar-users,without-fine-tuning"),
    *("--sweep", "history=2,4"),
]
MADE = ["recommender.history-2", "without-fine-tuning", "without-similar-users"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, gistrec: Command) -> Path:
    """A folder with `bazaar` and `small.yaml`."""
    folder = tmp_path_factory.mktemp("ablations")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    gistrec.done("data", "bazaar", "--out", folder / "bazaar", "--users", 60, "--items", 80)
    return folder


def command(small: Path, run: Path, *options: str, system: str = "mmsrarec") -> list[object]:
    asked = ["--system", system, "--dataset", small / "bazaar", "--run", run]
    return ["run", *asked, "--config", small / "small.yaml", *options]


def built(said: str) -> list[str]:
    return [line.split(":")[0] for line in said.splitlines() if line.endswith(": starts")]


def test_variants_are_run_compared_and_drawn_and_the_same_command_makes_nothing_again(
    small: Path, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ended = gistrec.done(*command(small, run, *ASKED))
    # This system tunes no gists and tells four items: these two change nothing.
    for same in ("without-rlvr", "recommender.history-4"):
        assert f"variant {same}: nothing changes" in ended.err
    assert sorted(path.name for path in (run / "variants").iterdir()) == MADE
    assert not (run / "variants" / MADE[0] / "baseline-popularity").exists()
    for stage in ("split", "backbone", "gist", "baseline-sasrec", "evaluation-oracle"):
        assert built(ended.err).count(stage) == 1
        assert ended.err.count(f"{stage}: taken over from") == len(MADE)
        manifest = run / "variants" / MADE[0] / stage / "manifest.json"
        assert manifest.samefile(run / stage / "manifest.json")
    written = json.loads((run / "ablations.json").read_text(encoding="utf-8"))["rows"]
    rows = {(row["variant"], row["protocol"]): row for row in written}
    assert len(rows) == len(written) == 6 * 2  # the full one, five variants; two protocols
    for (variant, protocol), row in rows.items():
        full = rows["full", protocol]["metrics"]["NDCG@5"]["value"]
        value = row["metrics"]["NDCG@5"]["value"]
        if variant == "full":
            assert row["difference"] == {}
        else:
            assert row["difference"]["NDCG@5"]["value"] == pytest.approx(value - full)
    assert rows["without-rlvr", "sampled"]["difference"]["HR@5"]["high"] == 0
    board = json.loads((run / "leaderboard.json").read_text(encoding="utf-8"))
    own = {row["protocol"]: row["metrics"] for row in board if row["system"] == "mmsrarec"}
    assert rows["full", "sampled"]["metrics"] == own["sampled"]
    for picture in ("ablations.png", "sweep-recommender.history.png"):
        assert Image.open(run / picture).width > 600
    assert "printed" in ended.out

    again = gistrec.done(*command(small, run, *ASKED))
    assert built(again.err) == []
    assert again.out == ended.out

    assert "(the same: gist.tuning.kind=none already)" in " ".join(again.out.split())
    swept = gistrec.done(*command(small, run, "--sweep", "history=2"))
    assert "without-fine-tuning" not in swept.out  # what was not asked for now
    assert "full (mmsrarec)" in swept.out
    written = json.loads((run / "ablations.json").read_text(encoding="utf-8"))["rows"]
    assert {row["value"] for row in written if row["group"] == "recommender.history"} == {"2", "4"}
    doctor = gistrec("doctor", "--run", run)
    assert "ok  ablations.json" in doctor.out
    assert "ok  variant without-fine-tuning: done" in doctor.out
    gistrec.done(*command(small, run, "--set", "recommender.seed=1"))
    assert not (run / "ablations.json").exists()

    asked = ["--run", run / "variants" / "without-fine-tuning"]
    user = gistrec.done("doctor", *asked)
    assert "not begun" not in user.out


def test_several_seeds_are_runs_of_their_own_and_pooled(
    small: Path, gistrec: Command, tmp_path: Path
) -> None:
    asked = command(small, tmp_path / "run", "--seeds", "0,1", system="popularity")
    ended = gistrec.done(*asked)
    assert {path.name for path in (tmp_path / "run").glob("seed-*")} == {"seed-0", "seed-1"}
    boards = [
        json.loads((tmp_path / "run" / f"seed-{n}" / "leaderboard.json").read_text("utf-8"))
        for n in (0, 1)
    ]
    assert boards[0][0]["split_fingerprint"] != boards[1][0]["split_fingerprint"]
    rows = json.loads((tmp_path / "run" / "ablations.json").read_text("utf-8"))["rows"]
    for row in rows:
        single = [
            one["metrics"]["HR@5"]["value"]
            for board in boards
            for one in board
            if (one["system"], one["protocol"]) == (row["system"], row["protocol"])
        ]
        assert row["by_seed"]["HR@5"] == single
        assert min(single) <= row["metrics"]["HR@5"]["value"] <= max(single)
        assert row["seeds"] == [0, 1]
    assert {row["system"] for row in rows} == {"oracle", "popularity"}
    assert "seeds 0, 1" in ended.out


def test_one_seed_is_every_stages(small: Path, gistrec: Command, tmp_path: Path) -> None:
    gistrec.done(*command(small, tmp_path / "run", "--seed", "3", system="popularity"))
    config = (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
    assert config.count("seed: 3") == config.count("seed: ") - 1
    assert "evaluation:" in config


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--ablate", "without-rlv"], "did you mean without-rlvr?"),
        (["--sweep", "recommender.histori=1,2"], "recommender.history"),
        (["--sweep", "foo=1,2"], "--sweep foo=1: unknown key foo"),
        (["--sweep", "history=1,none"], "recommender.history"),
        (["--seeds", "0,x"], "--seeds 0,x"),
        (["--seed", "1", "--seeds", "0,1"], "one of them"),
        (["--system", "sasrec", "--ablate", "all"], "has none"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_anything_is_run(
    small: Path, gistrec: Command, tmp_path: Path, options: list[str], named: str
) -> None:
    ended = gistrec(*command(small, tmp_path / "run", *options))
    assert ended.code == 1
    assert named in ended.err
    assert not (tmp_path / "run").exists()
