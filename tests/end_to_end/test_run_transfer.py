"""A recommender that one run has fine-tuned, asked on data of its own by another."""

import json
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

LEAN = ("baselines.names=[popularity]", "evidence.kinds=[]", "fusion.on=false")


def flags(*settings: str) -> list[str]:
    return [flag for setting in settings for flag in ("--set", setting)]


def manifest(run: Path, stage: str) -> dict:
    return json.loads((run / stage / "manifest.json").read_bytes())


def weights(run: Path) -> bytes:
    return (run / "recommender" / "model" / "model.safetensors").read_bytes()


def test_a_fine_tuned_model_answers_on_half_of_the_catalogue(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    source, half = f"recommender.from_run={tiny.run}", "dataset.part=second-half"
    few = "split.negatives=8"  # of 15 cold items
    run, plain = tmp_path / "run", tmp_path / "plain"
    gistrec.done(*tiny.command(run, *flags(source, half, few, *LEAN)))
    assert weights(run) == weights(tiny.run)
    made = manifest(run, "recommender")
    assert made["facts"]["from_run"] == str(tiny.run.resolve())
    assert made["inputs"]["from_run"] == manifest(tiny.run, "recommender")["fingerprint"]
    # The backbone is the other's, what it looks at and says is of this catalogue.
    assert (run / "backbone" / "source.json").read_bytes() == (
        tiny.run / "backbone" / "source.json"
    ).read_bytes()
    gists = pl.read_parquet(run / "gist" / "gists.parquet")
    whole = pl.read_parquet(tiny.run / "gist" / "gists.parquet")
    assert len(gists) == len(whole) // 2
    assert len(pl.read_parquet(run / "collab" / "training-neighbours.parquet")) == 0
    # Nothing is told of it as stale, and it recommends.
    assert "stale" not in gistrec.done("doctor", "--run", run).out
    user = pl.read_parquet(run / "ranks" / "mmsrarec.sampled.parquet")["user_id"][0]
    told = json.loads(gistrec.done("recommend", "--run", run, "--user", user, "--json").out)
    assert {item["item_id"] for item in told["items"]} <= set(gists["item_id"])
    # Without epochs the backbone alone is taken over, and answers otherwise.
    gistrec.done(*tiny.command(plain, *flags(source, half, few, "recommender.epochs=0", *LEAN)))
    assert weights(plain) != weights(run)
    ranks = [pl.read_parquet(at / "ranks" / "mmsrarec.sampled.parquet") for at in (run, plain)]
    assert ranks[0]["user_id", "positive"].equals(ranks[1]["user_id", "positive"])
    assert not ranks[0]["rank"].equals(ranks[1]["rank"])


@pytest.mark.parametrize("changed", ["dataset.withhold=images", "dataset.shuffle=images"])
def test_images_are_knocked_out_when_the_trained_system_is_asked(
    tiny: Tiny, gistrec: Command, tmp_path: Path, changed: str
) -> None:
    run = tmp_path / "run"
    source = f"recommender.from_run={tiny.run}"
    gistrec.done(*tiny.command(run, *flags(source, changed, *LEAN)))
    assert weights(run) == weights(tiny.run)
    ours, theirs = (
        pl.read_parquet(at / "ranks" / "mmsrarec.sampled.parquet") for at in (run, tiny.run)
    )
    assert ours["user_id", "positive"].equals(theirs["user_id", "positive"])
    assert not ours["rank"].equals(theirs["rank"])
    gists, before = (
        pl.read_parquet(at / "gist" / "gists.parquet")["image_keywords"] for at in (run, tiny.run)
    )
    assert (gists.list.len().sum() == 0) == changed.endswith("withhold=images")
    assert not gists.equals(before)


def test_what_cannot_be_taken_over_is_refused_at_once(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    no_run = gistrec(*tiny.command(run, *flags(f"recommender.from_run={tmp_path}")))
    assert no_run.code == 1
    assert "recommender.from_run" in no_run.err
    assert "is no run" in no_run.err
    other = flags(f"recommender.from_run={tiny.run}", "backbone.embedded.width=64")
    refused = gistrec(*tiny.command(run, *other))
    assert refused.code == 1
    assert "--set backbone.embedded.width=32" in refused.err
    itself = gistrec(*tiny.command(run, *flags(f"recommender.from_run={run}")))
    assert itself.code == 1
    assert "itself" in itself.err
    assert not (run / "split").exists()
