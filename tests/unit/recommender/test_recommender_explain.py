import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_cases import N_ITEMS, NO_IMAGES, pictured, prompter, sequences

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.path import EvidencePath
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.explain import (
    SMALLEST_FALL,
    Explanation,
    SharedWord,
    held_words,
    reasons,
    shared_words,
)
from gistrec.recommender.known import Known
from gistrec.recommender.left_out import LeftOut, leave_each_out
from gistrec.recommender.profile import Profile
from gistrec.recommender.rank import MllmRanker

HISTORY = [0, 12, 5, 12, 23]
CANDIDATES = [30, 7, 14]
NEARBY = {("u0", 5): [8, 33]}
CONFIG = RecommenderConfig(history=4)


def left_out(
    backbone: Backbone,
    known: Known,
    history: list[int],
    features: ImageFeatures = NO_IMAGES,
    config: RecommenderConfig = CONFIG,
) -> list[tuple[LeftOut, ...]]:
    asks = prompter(backbone, config, features)
    return leave_each_out(backbone, asks, features, known, sequences([history]), CANDIDATES)


def scored_alone(backbone: Backbone, entries: list[int], near: list[int]) -> np.ndarray:
    row = prompter(backbone, CONFIG).row(Profile(entries, near), CANDIDATES)
    return score_rows(backbone, [row], NO_IMAGES)[0].numpy()


def test_the_score_without_an_item_is_that_of_the_prompt_without_it(
    tiny_backbone: Backbone,
) -> None:
    found = left_out(tiny_backbone, Known(NEARBY), HISTORY)
    # Four are shown, one of them twice; item 0 is older and must not step in.
    shorter = {12: [5, 23], 5: [12, 12, 23], 23: [12, 5, 12]}
    whole = scored_alone(tiny_backbone, HISTORY[-4:], NEARBY["u0", 5])
    for place, each in enumerate(found):
        assert {one.item for one in each} == set(shorter)
        for one in each:
            alone = scored_alone(tiny_backbone, shorter[one.item], NEARBY["u0", 5])
            assert one.without == pytest.approx(alone[place], abs=1e-4)
            assert one.score == pytest.approx(whole[place], abs=1e-4)
        assert [one.fall for one in each] == sorted((one.fall for one in each), reverse=True)


def test_the_whole_score_is_the_rankers_own(tiny_backbone: Backbone) -> None:
    features, known = pictured(), Known(NEARBY)
    asks = prompter(tiny_backbone, CONFIG, features)
    ranker = MllmRanker("tiny", tiny_backbone, asks, features, known, N_ITEMS)
    (scores,) = ranker.score_lists(sequences([HISTORY]), [CANDIDATES])
    found = left_out(tiny_backbone, known, HISTORY, features)
    np.testing.assert_allclose([each[0].score for each in found], scores, atol=1e-4)


def test_evidence_is_told_anew_without_the_item(tiny_backbone: Backbone) -> None:
    asked: list[list[int]] = []

    def tell(histories: Sequences, lists: list[list[int]]) -> list[list[str]]:
        asked.extend(history.tolist() for history in histories)
        assert set(histories.users) == {"u0"}
        return [
            [f"blue {len(set(history))}" for _ in codes]
            for history, codes in zip(histories, lists, strict=True)
        ]

    told = left_out(tiny_backbone, Known(NEARBY, tell=tell), HISTORY)
    # The evidence looks further back than the prompt: item 0 stays known to it.
    assert asked == [HISTORY, [0, 5, 23], [0, 12, 12, 23], [0, 12, 5, 12]]
    plain = left_out(tiny_backbone, Known(NEARBY), HISTORY)
    assert abs(told[0][0].score - plain[0][0].score) > 1e-3


def test_a_history_of_one_item_can_be_left_out(tiny_backbone: Backbone) -> None:
    (one,) = left_out(tiny_backbone, Known({}), [3])[0]
    assert one.without == pytest.approx(scored_alone(tiny_backbone, [], [])[0], abs=1e-4)


def test_room_that_an_item_leaves_is_not_filled_with_similar_users(
    tiny_backbone: Backbone,
) -> None:
    asks = prompter(tiny_backbone, CONFIG)
    most = asks.budget.least + sum(map(asks.entry_tokens, ([23], [12]))) + asks.budget.heading
    config = RecommenderConfig(history=4, max_prompt_tokens=most)
    known = Known({("u0", 5): [8] * 9})
    short = prompter(tiny_backbone, config)
    plan = short.plan(Profile(HISTORY, [8] * 9))
    assert 0 < plan.neighbours < 9
    (one, *_) = left_out(tiny_backbone, known, HISTORY, config=config)[0]
    shown = [entry for entry in HISTORY[len(HISTORY) - plan.history :] if entry != one.item]
    alone = scored_alone(tiny_backbone, shown, [8] * plan.neighbours)
    assert one.without == pytest.approx(alone[0], abs=1e-4)


def test_words_are_shared_with_other_items_alone() -> None:
    gists = ["red mug", "red red lamp", "blue mug", "green kite"]
    assert shared_words(gists, 0, [1, 2, 1, 0]) == (
        SharedWord("red", (1,)),
        SharedWord("mug", (2,)),
    )
    assert shared_words(gists, 3, [0, 1, 2]) == ()


def test_sentences_share_words_and_not_how_they_are_put() -> None:
    gists = ["A striped blue mug.", "Blue, about a mug", "A green kite."]
    assert shared_words(gists, 0, [1, 2]) == (SharedWord("blue", (1,)), SharedWord("mug", (1,)))
    assert shared_words(gists, 2, [0, 1]) == ()


def test_a_taste_holds_words_of_a_gist() -> None:
    assert held_words("A striped blue mug.", "Prefers a Blue, mug.") == ("blue", "mug")
    assert held_words("A striped mug.", "Prefers a lamp.") == ()
    assert held_words("red mug", "") == ()


codes = st.integers(0, 5)
words = st.sampled_from(["red", "mug", "lamp"])
users = st.sampled_from(["u1", "u2", "u3"])
shared = st.lists(
    st.builds(SharedWord, words, st.lists(codes, min_size=1, max_size=3).map(tuple)), max_size=2
).map(tuple)
scores = st.floats(-9, 9)
facts = st.builds(
    Explanation,
    item=codes,
    history_words=shared,
    neighbour_words=shared,
    chosen_by=st.lists(users, unique=True).map(tuple),
    paths=st.lists(st.builds(EvidencePath, codes, users, codes, st.booleans()), max_size=3).map(
        tuple
    ),
    left_out=st.none() | st.lists(st.builds(LeftOut, codes, scores, scores), max_size=4).map(tuple),
    taste=st.sampled_from([None, "", "Prefers blue."]),
)


@given(facts)
def test_sentences_name_only_what_the_facts_hold(why: Explanation) -> None:
    told = reasons(why, lambda code: f"T{code}")
    assert told == reasons(why, lambda code: f"T{code}")
    left = why.left_out or ()
    every = "\n".join(told)
    titles = {
        code for shared in (*why.history_words, *why.neighbour_words) for code in shared.items
    }
    titles |= {path.history_item for path in why.paths} | {path.chose for path in why.paths}
    titles |= {one.item for one in left}
    assert {int(code) for code in re.findall(r'"T(\d)"', every)} <= titles
    named = set(why.chosen_by) | {path.user for path in why.paths}
    assert set(re.findall(r"\bu\d", every)) == named
    assert set(re.findall(r"\b(red|mug|lamp)\b", every)) == {
        shared.word for shared in (*why.history_words, *why.neighbour_words)
    }
    anew = "" if why.taste is None else " and with the taste told anew"
    moved = re.findall(
        rf'without "T(\d)"{anew} the model\'s logit falls from (\S+) to (\S+)', every
    )
    falls = {
        (str(one.item), f"{one.score:.2f}", f"{one.without:.2f}")
        for one in left
        if one.fall >= SMALLEST_FALL
    }
    assert set(moved) <= falls
    assert bool(moved) == bool(falls)
    assert ("does not fall" in every) == (why.left_out is not None and not falls)
    assert not re.search(r"because|therefore|due to|caus|since|likes|prefers", every)


def test_what_was_not_asked_is_not_told() -> None:
    bare = Explanation(1, (), (), (), (), None)
    assert reasons(bare, str) == ["no word in common with the latest items"]


def test_of_a_taste_is_told_what_it_has_in_common_and_that_it_was_told_anew() -> None:
    left = (LeftOut(0, 1.0, 0.5),)
    why = Explanation(1, (), (), (), (), left, "Prefers blue.", ("blue", "mug"))
    told = reasons(why, lambda code: f"T{code}")
    assert told[0] == "words in common with the taste: blue, mug"
    assert told[-1] == (
        'without "T0" and with the taste told anew the model\'s logit falls from 1.00 to 0.50'
    )
    still = Explanation(1, (), (), (), (), (LeftOut(0, 1.0, 1.0),), "Prefers blue.")
    told = reasons(still, str)
    assert told[0] == "no word in common with the taste"
    assert told[-1].endswith("any one of the latest items and with the taste told anew")
    nothing = Explanation(1, (), (), (), (), None, "")
    assert reasons(nothing, str)[0] == "no taste of the user could be told"


def test_a_taste_is_told_anew_without_the_item(tiny_backbone: Backbone) -> None:
    asked: list[list[int]] = []

    def taste_of(histories: Sequences) -> list[str]:
        asked.extend(history.tolist() for history in histories)
        return ["blue " * len(set(history)) for history in histories]

    asks = prompter(tiny_backbone, RecommenderConfig(history=0), longest_taste=9)
    known = Known({}, taste_of=taste_of)
    told = leave_each_out(tiny_backbone, asks, NO_IMAGES, known, sequences([HISTORY]), CANDIDATES)
    # The prompt shows no item; all of them speak through the taste.
    assert asked[-4:] == [[12, 5, 12, 23], [0, 5, 23], [0, 12, 12, 23], [0, 12, 5, 12]]
    for count, score in ((4, "score"), (3, "without")):
        row = asks.row(Profile([], [], "blue " * count), CANDIDATES)
        alone = score_rows(tiny_backbone, [row], NO_IMAGES)[0].tolist()
        for expected, each in zip(alone, told, strict=True):
            assert {one.item for one in each} == set(HISTORY)
            for one in each:
                assert getattr(one, score) == pytest.approx(expected, abs=1e-4)
    assert abs(told[0][0].fall) > 1e-3


def test_paths_tell_the_item_itself_from_something_alike() -> None:
    told = reasons_of_paths(EvidencePath(0, "u7", 1, True), EvidencePath(0, "u8", 2, True))
    assert told == [
        'user u7 had "T0" and later chose it',
        'user u8 had "T0" and later chose "T2", which is like it',
    ]


def test_an_order_that_the_log_does_not_hold_is_not_told() -> None:
    told = reasons_of_paths(EvidencePath(0, "u7", 1, False), EvidencePath(0, "u8", 2, False))
    assert told == [
        'user u7 had both "T0" and it',
        'user u8 had both "T0" and "T2", which is like it',
    ]


def reasons_of_paths(*paths: EvidencePath) -> list[str]:
    return reasons(Explanation(1, (), (), (), paths, None), lambda code: f"T{code}")[1:]


@pytest.mark.parametrize(
    ("users", "told"),
    [(("21",), "by similar user 21"), (("21", "35"), "by similar users 21, 35")],
)
def test_an_id_does_not_read_as_a_count(users: tuple[str, ...], told: str) -> None:
    why = Explanation(1, (), (), users, (), None)
    assert f"chosen next {told}" in reasons(why, str)


def test_quotes_of_a_title_do_not_end_it() -> None:
    why = Explanation(1, (SharedWord("red", (0,)),), (), (), (), None)
    (told,) = reasons(why, lambda code: '"quoted", odd')
    assert told.endswith("""red ("'quoted', odd")""")
