import json
from pathlib import Path

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

KEYWORDS = {"images": "image_keywords", "text": "text_keywords"}


@pytest.mark.parametrize("withheld", ["images", "text"])
def test_a_run_without_images_or_text_sees_none_and_is_asked_the_same(
    tiny: Tiny, gistrec: Command, tmp_path: Path, withheld: str
) -> None:
    run = tmp_path / "run"
    settings = (f"dataset.withhold={withheld}", "baselines.names=[sasrec]", "recommender.epochs=1")
    flags = [flag for setting in settings for flag in ("--set", setting)]
    gistrec.done(*tiny.command(run, *flags))
    gists = pl.read_parquet(run / "gist" / "gists.parquet")
    whole = pl.read_parquet(tiny.run / "gist" / "gists.parquet")
    assert gists[KEYWORDS[withheld]].list.len().sum() == 0
    assert whole[KEYWORDS[withheld]].list.len().sum() > 0
    facts = json.loads((run / "backbone" / "manifest.json").read_bytes())["facts"]
    assert (facts["images"] == 0) == (withheld == "images")
    # What is not withheld still works, and the questions are those of the whole dataset.
    ours = pl.read_parquet(run / "ranks" / "mmsrarec.sampled.parquet")
    theirs = pl.read_parquet(tiny.run / "ranks" / "mmsrarec.sampled.parquet")
    assert ours["user_id", "positive"].equals(theirs["user_id", "positive"])
    assert not ours["rank"].equals(theirs["rank"])
    rows = json.loads((run / "leaderboard.json").read_bytes())
    board = json.loads((tiny.run / "leaderboard.json").read_bytes())
    assert {row["split_fingerprint"] for row in rows} == {board[0]["split_fingerprint"]}
    told = json.loads(gistrec.done("recommend", "--run", run, "--user", "u001", "--json").out)
    assert all(bool(item["title"]) == (withheld == "images") for item in told["items"])
