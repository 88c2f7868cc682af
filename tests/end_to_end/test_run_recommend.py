import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from end_to_end_cases import Command, Tiny
from gist_cases import gist_words

from gistrec.pipeline.recommend import Recommendations


def history_of(tiny: Tiny, user: str) -> set[str]:
    log = pl.read_parquet(tiny.bazaar / "interactions.parquet")
    return set(log.filter(pl.col("user_id") == user)["item_id"])


def log_of(tiny: Tiny, user: str) -> list[str]:
    """A user's items in time order; nobody has one twice."""
    log = pl.read_parquet(tiny.bazaar / "interactions.parquet").filter(pl.col("user_id") == user)
    return log.sort("timestamp")["item_id"].to_list()


def users_of(tiny: Tiny, part: str) -> list[str]:
    return pl.read_parquet(tiny.run / "split" / f"{part}.parquet")["user_id"].to_list()


@pytest.mark.parametrize("part", ["train", "valid", "test"])
def test_anyone_gets_items_they_never_had_best_first(
    tiny: Tiny, gistrec: Command, part: str
) -> None:
    user = users_of(tiny, part)[0]
    ended = gistrec.done("recommend", "--run", tiny.run, "--user", user, "-k", 5, "--json")
    answer = json.loads(ended.out)
    assert answer["user_id"] == user
    ids = [item["item_id"] for item in answer["items"]]
    assert len(ids) == len(set(ids)) == 5
    assert not set(ids) & history_of(tiny, user)
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= item["probability"] <= 1 for item in answer["items"])
    titles = dict(pl.read_parquet(tiny.bazaar / "items.parquet")["item_id", "title"].iter_rows())
    assert all(item["title"] == titles[item["item_id"]] for item in answer["items"])


def test_a_neighbour_that_is_named_is_a_user_and_not_the_asker(
    tiny: Tiny, gistrec: Command
) -> None:
    user = users_of(tiny, "test")[1]
    answer = json.loads(gistrec.done("recommend", "--run", tiny.run, "--user", user, "--json").out)
    named = {other for item in answer["items"] for other in item["chosen_by"]}
    assert named <= set(users_of(tiny, "train")) - {user}


def test_the_reasons_stand_below_the_table(tiny: Tiny, gistrec: Command) -> None:
    user = users_of(tiny, "test")[0]
    asked = ["recommend", "--run", tiny.run, "--user", user, "-k", 1]
    ended = gistrec.done(*asked)
    assert f"For user {user}" in ended.out
    assert "latest: " in ended.out
    item = json.loads(gistrec.done(*asked, "--json").out)["items"][0]
    table, why = ended.out.split("\nwhy (the model")
    assert item["item_id"] in table
    assert all(f"  - {reason}" in why for reason in item["reasons"])
    assert any("the model's logit" in reason for reason in item["reasons"])


def test_without_reasons_the_model_is_not_asked_again(tiny: Tiny, gistrec: Command) -> None:
    user = users_of(tiny, "test")[0]
    asked = ["recommend", "--run", tiny.run, "--user", user, "-k", 2, "--no-why"]
    assert "why (the model" not in gistrec.done(*asked).out
    items = json.loads(gistrec.done(*asked, "--json").out)["items"]
    assert [item["left_out"] for item in items] == [None, None]


def test_what_is_told_of_an_item_is_so(tiny: Tiny, gistrec: Command) -> None:
    gists = gist_words(tiny)
    trained = set(users_of(tiny, "train"))
    for user in (users_of(tiny, "train")[0], users_of(tiny, "test")[0]):
        shown = gistrec.done("recommend", "--run", tiny.run, "--user", user, "-k", 8, "--json")
        had = history_of(tiny, user)
        for item in json.loads(shown.out)["items"]:
            for word, others in item["shared_words"].items():
                assert set(others) <= had
                for other in (*others, item["item_id"]):  # a title may spell it otherwise
                    assert word.casefold() in {each.casefold() for each in gists[other]}
            for path in item["paths"]:
                assert path["user"] != user
                assert path["user"] in trained
                assert path["history_item"] in had
                theirs = log_of(tiny, path["user"])
                had_at, chose_at = (theirs.index(path[key]) for key in ("history_item", "chose"))
                assert path["later"] == (had_at < chose_at)
            left_out = item["left_out"]
            assert {one["item_id"] for one in left_out} <= had
            chance = 1 / (1 + np.exp(-left_out[0]["score"]))
            assert chance == pytest.approx(item["probability"], abs=1e-4)
            falls = [one["score"] - one["without"] for one in left_out]
            assert falls == sorted(falls, reverse=True)


def test_each_system_of_the_run_recommends_by_its_own_scores(tiny: Tiny, gistrec: Command) -> None:
    user = users_of(tiny, "test")[0]
    asked = ["recommend", "--run", tiny.run, "--user", user, "--no-why", "--json", "-k", 500]
    answers = {
        name: json.loads(gistrec.done(*asked, "--system", name).out)
        for name in ("mmsrarec", "mmsrarec+evidence", "mmsrarec+fusion")
    }
    assert {name: answer["system"] for name, answer in answers.items()} == {n: n for n in answers}
    chances = {
        name: {item["item_id"]: item["probability"] for item in answer["items"]}
        for name, answer in answers.items()
    }
    assert chances["mmsrarec+fusion"] == chances["mmsrarec+evidence"] != chances["mmsrarec"]
    for name in ("mmsrarec", "mmsrarec+evidence"):  # the model's own score is what ranks
        for item in answers[name]["items"]:
            odds = 1 / (1 + np.exp(-item["score"]))
            assert odds == pytest.approx(item["probability"], abs=1e-6)
    assert json.loads(gistrec.done(*asked).out) == answers["mmsrarec+fusion"]
    unknown = gistrec(*asked, "--system", "sasrec")
    assert unknown.code == 1
    assert "it has mmsrarec, mmsrarec+evidence, mmsrarec+fusion" in unknown.err


def test_no_more_than_there_is_to_recommend(tiny: Tiny) -> None:
    found = Recommendations.open(tiny.run)
    user = found.some_user()
    assert user not in users_of(tiny, "train")
    everything = found.recommend(user, 10_000, why=False)
    assert len(found.recommend(user, 3).items) == 3
    assert found.recommend(user, 3, why=False).items == everything.items[:3]
    assert not {item.item_id for item in everything.items} & history_of(tiny, user)


def test_fewer_than_asked_for_is_said(tiny: Tiny, gistrec: Command) -> None:
    user = users_of(tiny, "test")[0]
    asked = ["recommend", "--run", tiny.run, "--user", user, "--no-why", "--json", "-k"]
    ended = gistrec.done(*asked, 500)
    count = len(json.loads(ended.out)["items"])
    assert f"{count} of 500 items" in ended.err
    assert "recommender.retrieved=6" in ended.err
    assert "items" not in gistrec.done(*asked, count).err


def test_items_called_the_same_are_told_apart_and_titles_are_no_gists(tiny: Tiny) -> None:
    found = Recommendations.open(tiny.run)
    dataset = found.work.dataset
    titles = ["same", "same", "", *(f"title {code}" for code in range(3, dataset.n_items))]
    items = dataset.items.with_columns(title=pl.Series(titles))
    renamed = replace(found, work=replace(found.work, dataset=replace(dataset, items=items)))
    first, second, third = dataset.item_ids[:3]
    names = [renamed.name(code) for code in range(4)]
    assert names == [f"same ({first})", f"same ({second})", third, "title 3"]
    words = gist_words(tiny)
    gists = pl.read_parquet(tiny.run / "gist" / "gists.parquet")
    bare = gists.select(pl.sum_horizontal(pl.col("^.*_keywords$").list.len()) == 0).to_series()
    for code, (item, nothing) in enumerate(zip(dataset.item_ids, bare, strict=True)):
        assert set(found.gist(code).split()) == (set() if nothing else words[item])


def test_an_unknown_user_is_one_clear_message(tiny: Tiny, gistrec: Command) -> None:
    ended = gistrec("recommend", "--run", tiny.run, "--user", "nobody")
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "user 'nobody' is not in" in ended.err


def test_a_folder_that_is_no_run_is_one_clear_message(tmp_path: Path, gistrec: Command) -> None:
    ended = gistrec("recommend", "--run", tmp_path, "--user", "u001")
    assert ended.code == 1
    assert "is no run" in ended.err


def test_no_items_at_all_is_wrong_usage(tiny: Tiny, gistrec: Command) -> None:
    assert gistrec("recommend", "--run", tiny.run, "--user", "u001", "-k", 0).code == 2


@pytest.mark.parametrize(
    ("was", "now", "stage"),
    [
        ("history: 4", "history: 3", "recommender-evidence"),
        ("latest: 50", "latest: 2", "recommender-evidence"),
        ("similar_items: 10", "similar_items: 2", "evidence"),
        ("next_items: 1", "next_items: 2", "collab"),
        ("l2: 5.0", "l2: 9.0", "fusion"),
    ],
)
def test_a_run_whose_settings_changed_is_not_asked(
    tiny: Tiny, gistrec: Command, tmp_path: Path, was: str, now: str, stage: str
) -> None:
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    settings = (run / "config.yaml").read_text(encoding="utf-8")
    changed = settings.replace(was, now)
    assert changed != settings
    (run / "config.yaml").write_text(changed, encoding="utf-8")
    ended = gistrec("recommend", "--run", run, "--user", "u001")
    assert ended.code == 1
    assert f"stage '{stage}' was made with other settings" in ended.err


def test_a_run_that_was_interrupted_when_it_was_made_again_is_not_asked(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    manifest = json.loads((run / "gist" / "manifest.json").read_text(encoding="utf-8"))
    manifest["fingerprint"] = "another"
    (run / "gist" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    ended = gistrec("recommend", "--run", run, "--user", "u001")
    assert ended.code == 1
    assert "stage 'collab' was made from an earlier gist: give the `gistrec run`" in ended.err


def test_a_setting_that_a_run_did_not_know_yet_is_no_change(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    manifest = json.loads((run / "recommender" / "manifest.json").read_bytes())
    del manifest["config"]["gist_weight"]
    (run / "recommender" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    lines = (run / "config.yaml").read_text(encoding="utf-8").splitlines()
    earlier = [line for line in lines if "gist_weight" not in line]
    assert len(earlier) == len(lines) - 1
    (run / "config.yaml").write_text("\n".join(earlier), encoding="utf-8")
    gistrec.done("recommend", "--run", run, "--user", "u001", "-k", 1)


def test_baselines_alone_do_not_recommend(tiny: Tiny, gistrec: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ["--dataset", tiny.bazaar, "--run", run, "--config", tiny.config]
    ended = gistrec.done("run", "--system", "sasrec", *asked, "--set", "baselines.names=[sasrec]")
    assert "mmsrarec" not in ended.out
    assert {row["system"] for row in json.loads((run / "leaderboard.json").read_bytes())} == {
        "oracle",
        "sasrec",
    }
    refused = gistrec("recommend", "--run", run, "--user", "u001")
    assert refused.code == 1
    assert "baselines only" in refused.err
