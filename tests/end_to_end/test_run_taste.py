"""What a person sees of tastes: over time, in numbers, beside recommendations, in prompts."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from end_to_end_cases import Command, Tiny

from gistrec.text.words import telling_words


def asked(msr: Tiny) -> pl.DataFrame:
    return pl.read_parquet(msr.run / "taste" / "asked.parquet")


def told(gistrec: Command, msr: Tiny, user: str) -> list[dict[str, Any]]:
    ended = gistrec.done("taste", "--run", msr.run, "--user", user, "--json")
    taste = json.loads(ended.out)
    assert taste["user_id"] == user
    steps: list[dict[str, Any]] = taste["steps"]
    return steps


def log_of(msr: Tiny, user: str) -> list[str]:
    log = pl.read_parquet(msr.bazaar / "interactions.parquet").filter(pl.col("user_id") == user)
    return log.sort("timestamp", maintain_order=True)["item_id"].to_list()


def test_a_users_taste_is_told_after_each_block_of_all_that_is_known(
    msr: Tiny, gistrec: Command
) -> None:
    user = asked(msr)["user_id"][0]
    steps, log = told(gistrec, msr, user), log_of(msr, user)
    assert [item["item_id"] for step in steps for item in step["items"]] == log
    assert [step["after"] for step in steps] == [*range(3, len(log), 3), len(log)]
    was: set[str] = set()
    for step in steps:
        now = set(telling_words(step["taste"]))
        assert {word.casefold() for word in step["kept"]} == now & was
        assert {word.casefold() for word in step["new"]} == now - was
        assert {word.casefold() for word in step["dropped"]} == was - now
        was = now
    shown = gistrec.done("taste", "--run", msr.run, "--user", user).out
    assert f"Taste of {user}" in shown
    assert f"after {len(log)} interactions" in shown


def test_what_the_stage_told_is_what_is_shown(msr: Tiny, gistrec: Command) -> None:
    test = pl.read_parquet(msr.run / "split" / "test.parquet")["user_id"]
    rows = asked(msr).filter(pl.col("user_id").is_in(test.to_list()) & (pl.col("taste") != ""))
    compared = 0
    for row in rows.unique("user_id", maintain_order=True).head(8).rows(named=True):
        prompt = gistrec.done("prompt", "--run", msr.run, "--user", row["user_id"], "--json")
        shown = json.loads(prompt.out)
        if shown["known"] != row["moment"]:
            continue  # the user is asked about a cold item too, at another moment
        assert row["taste"].lower() in shown["text"].lower()
        assert shown["tokens"]["taste"] > 0
        steps = told(gistrec, msr, row["user_id"])
        same = [step["taste"] for step in steps if step["after"] == row["moment"]]
        compared += len(same)
        assert all(taste == row["taste"] for taste in same)
    assert compared


def test_all_tastes_in_numbers_and_those_of_the_same_few(msr: Tiny, gistrec: Command) -> None:
    command = ["taste", "--run", msr.run, "--users", 2]
    view = json.loads(gistrec.done(*command, "--json").out)
    facts = json.loads((msr.run / "taste" / "manifest.json").read_bytes())["facts"]
    assert view["facts"] == facts
    assert view["quality"]["tastes"] == facts["moments"]
    assert view["quality"]["true"] is not None  # the bazaar knows
    assert facts["f1"] == pytest.approx(view["quality"]["true"]["f1"], abs=1e-4)
    users = [user["user_id"] for user in view["users"]]
    assert len(set(users)) == 2
    assert view["users"][0]["steps"] == told(gistrec, msr, users[0])
    shown = gistrec.done(*command).out
    assert "questions behind a moment" in shown
    assert "told words that are liked" in shown
    assert all(f"Taste of {user}" in shown for user in users)


def test_recommendations_tell_the_taste_and_what_it_has_in_common(
    msr: Tiny, gistrec: Command
) -> None:
    user = pl.read_parquet(msr.run / "split" / "test.parquet")["user_id"][1]
    command = ["recommend", "--run", msr.run, "--user", user, "-k", 4]
    answer = json.loads(gistrec.done(*command, "--json").out)
    steps = told(gistrec, msr, user)
    assert answer["tastes"] == steps
    for item in answer["items"]:
        both = telling_words(item["gist"] or item["title"]).keys() & telling_words(
            steps[-1]["taste"]
        )
        assert {word.casefold() for word in item["taste_words"]} == both
        assert {one["item_id"] for one in item["left_out"]} == set(log_of(msr, user)[-12:])
        assert "with the taste told anew" in item["reasons"][-1]
        assert "taste" in item["reasons"][0]
    shown = gistrec.done(*command).out
    assert "taste over time:\n  after 3 items: " in shown
    assert f"  now, after {len(log_of(msr, user))} items: " in shown


def test_a_system_without_tastes_is_told_what_to_do(
    msr: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.yaml", "dataset.json", "leaderboard.json"):
        shutil.copy(msr.run / name, run / name)
    config = (run / "config.yaml").read_text(encoding="utf-8")
    for told, instead in (("kind: recurrent", "kind: none"), ("history: 0", "history: 5")):
        assert told in config
        config = config.replace(told, instead)
    (run / "config.yaml").write_text(config, encoding="utf-8")
    ended = gistrec("taste", "--run", run)
    assert ended.code == 1
    assert "gistrec run --system mllm-msr" in ended.err


def test_an_unknown_user_is_one_clear_message_of_tastes(msr: Tiny, gistrec: Command) -> None:
    ended = gistrec("taste", "--run", msr.run, "--user", "nobody")
    assert ended.code == 1
    assert "user 'nobody' is not in" in ended.err


def test_neighbours_of_a_system_that_is_told_none_says_so(msr: Tiny, gistrec: Command) -> None:
    user = asked(msr)["user_id"][0]
    shown = gistrec.done("neighbours", "--run", msr.run, "--user", user).out
    assert shown.splitlines()[-1].startswith("collab.neighbours=0: the model is told none of it")
