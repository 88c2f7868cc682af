import json

import polars as pl
from end_to_end_cases import Command, Tiny
from gist_cases import gist_words


def log_of(tiny: Tiny, user: str) -> list[str]:
    """A user's items in time order, of the training log where it has them."""
    log = pl.read_parquet(tiny.bazaar / "interactions.parquet")
    items = log.filter(pl.col("user_id") == user).sort("timestamp", maintain_order=True)
    return items["item_id"].to_list()


def asked(tiny: Tiny, gistrec: Command, user: str, k: int) -> dict:
    ended = gistrec.done("neighbours", "--run", tiny.run, "--user", user, "-k", k, "--json")
    return json.loads(ended.out)


def test_similar_users_are_others_and_all_that_is_told_of_them_is_so(
    tiny: Tiny, gistrec: Command
) -> None:
    gists = gist_words(tiny)
    ids = pl.read_parquet(tiny.bazaar / "items.parquet")["item_id"]
    cold = set(ids.gather(pl.read_parquet(tiny.run / "split" / "cold_items.parquet")["code"]))
    for part in ("train", "test"):
        user = pl.read_parquet(tiny.run / "split" / f"{part}.parquet")["user_id"][0]
        answer = asked(tiny, gistrec, user, 4)
        history = log_of(tiny, user)
        assert answer["known"] == len(history)
        names = [other["user_id"] for other in answer["users"]]
        assert len(set(names)) == 4
        assert user not in names
        similarities = [other["similarity"] for other in answer["users"]]
        assert similarities == sorted(similarities, reverse=True)
        for other in answer["users"]:
            theirs = [item for item in log_of(tiny, other["user_id"]) if item not in cold]
            moment = other["moment"]
            assert len(theirs) == other["interactions"]
            assert [item["item_id"] for item in other["chose_next"]] == [theirs[moment]]
            shared = {item["item_id"] for item in other["shared_items"]}
            assert shared == set(history) & set(theirs[:moment])
            both = [
                {word for item in items[-4:] for word in gists[item]}
                for items in (history, theirs[:moment])
            ]
            assert set(other["shared_words"]) <= both[0] & both[1]


def test_prompts_tell_of_as_many_as_the_configuration_says(tiny: Tiny) -> None:
    """More are searched for, since what they chose next is worth scoring."""
    told = pl.read_parquet(tiny.run / "collab" / "neighbours.parquet")
    assert told.group_by("user_id", "moment").len()["len"].unique().to_list() == [3]
    facts = json.loads((tiny.run / "collab" / "manifest.json").read_bytes())["facts"]
    assert facts["index"] == "flat"
    assert set(facts["candidates"]) == {"validation", "test", "cold"}
    for recall in facts["candidates"].values():
        kinds = [recall[kind] for kind in ("encoder", "content", "neighbours")]
        assert max(kinds) <= recall["union"] <= min(1, sum(kinds) + 1e-3)
        assert recall["candidates"] <= 3 * 6  # retrieved of each kind


def test_the_table_names_what_was_chosen_next(tiny: Tiny, gistrec: Command) -> None:
    user = pl.read_parquet(tiny.run / "split" / "test.parquet")["user_id"][0]
    answer = asked(tiny, gistrec, user, 1)
    shown = gistrec.done("neighbours", "--run", tiny.run, "--user", user, "-k", 1).out
    assert f"Users similar to {user}" in shown
    assert answer["users"][0]["user_id"] in shown
    assert f"after {answer['users'][0]['moment']} of" in shown


def test_an_unknown_user_is_one_clear_message_of_neighbours(tiny: Tiny, gistrec: Command) -> None:
    ended = gistrec("neighbours", "--run", tiny.run, "--user", "nobody")
    assert ended.code == 1
    assert "user 'nobody' is not in" in ended.err
