"""Tastes block by block: the same whoever else is told about, and nothing asked twice."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from telling_cases import ITEMS, NOUNS, RECURRENT, WHO, Counting, teller_of

from gistrec import schema
from gistrec.config.taste import TasteConfig
from gistrec.errors import EngineError
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Engine
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.engines.server import open_server_engine
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.taste.recurrent import Moment, Tastes, tastes_after, tell_tastes
from gistrec.taste.telling import sampling_of, telling
from servers.scripted import chat, serving

HISTORIES = {"u1": [0, 4, 8, 1, 1, 5, 2], "u2": [3, 3], "u3": [0, 4, 8, 1, 7]}
ALL = [(user, moment) for user, items in HISTORIES.items() for moment in range(len(items) + 1)]
LAST = [(user, len(items)) for user, items in HISTORIES.items()]


def told(
    engine: Engine,
    journal: Path,
    moments: Sequence[Moment] = ALL,
    histories: Mapping[str, Sequence[int]] = HISTORIES,
    config: TasteConfig = RECURRENT,
    earlier: Path | None = None,
) -> Tastes:
    return tell_tastes(engine, ITEMS, NOUNS, histories, moments, config, journal, WHO, earlier)


def by_moment(tastes: Tastes) -> dict[Moment, str]:
    columns = tastes.table.select(schema.USER_ID, schema.MOMENT, schema.TASTE)
    return {(user, moment): taste for user, moment, taste in columns.iter_rows()}


def expected(history: Sequence[int], moment: int, config: TasteConfig, rule: Counting) -> str:
    """The definition: one user, one moment, block after block."""
    taste = ""
    size = config.block if config.kind == "recurrent" else len(history) + 1
    for start in range(0, moment, size):
        items = [ITEMS[code] for code in history[start : min(start + size, moment)]]
        asked = prompts.taste_update(NOUNS, taste, items, config.words)
        taste = rule.rule("".join(map(str, asked))) + "."
    return taste


@given(
    histories=st.lists(st.lists(st.integers(0, len(ITEMS) - 1), max_size=9), max_size=5),
    block=st.integers(1, 5),
    kind=st.sampled_from(["recurrent", "direct"]),
    data=st.data(),
)
def test_tastes_are_those_of_one_user_after_the_other(
    histories: list[list[int]],
    block: int,
    kind: str,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    config = TasteConfig(kind=kind, block=block, words=6)
    known = {f"u{number}": items for number, items in enumerate(histories)}
    moments = [
        (user, moment)
        for user, items in known.items()
        for moment in data.draw(st.sets(st.integers(0, len(items))))
    ]
    engine = Counting()
    journal = tmp_path_factory.mktemp("tastes") / "journal"
    tastes = told(engine, journal, moments, known, config)
    found = by_moment(tastes)
    assert found == {
        (user, moment): expected(known[user], moment, config, engine) for user, moment in moments
    }
    assert len(engine.asked) == len(set(engine.asked)) == tastes.asked
    assert max(tastes.table[schema.BLOCK].to_list(), default=0) == len(engine.together)
    assert tastes.seconds == pytest.approx(tastes.table[schema.SECONDS].sum())


def test_only_the_states_are_made_that_a_moment_needs(tmp_path: Path) -> None:
    engine = Counting()
    tastes = told(engine, tmp_path / "journal", [("u1", 7), ("u1", 2)])
    assert len(engine.asked) == 3 + 1  # blocks 1, 2 and 3, and the first up to its second item
    assert engine.together == [2, 1, 1]
    assert (tastes.steps, tastes.asked, tastes.calls_a_moment) == (3, 4, 4 / 2)
    assert tastes.table[schema.BLOCK].to_list() == [1, 3]


def test_users_advance_together_and_share_what_begins_alike(tmp_path: Path) -> None:
    engine = Counting()
    told(engine, tmp_path / "journal", LAST)
    # u1 and u3 begin with the same block; u1 alone has a third.
    assert engine.together == [2, 2, 1]


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_models_tastes_are_the_same_in_any_company(
    temperature: float, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    config = RECURRENT.model_copy(update={"temperature": temperature})

    def engine(batch_size: int) -> LocalEngine:
        return LocalEngine(tiny_backbone, ImageFeatures.none(0), batch_size, sampling_of(config))

    together = told(engine(64), tmp_path / "together", config=config)
    alone = {}
    for user in HISTORIES:
        moments = [moment for moment in ALL if moment[0] == user]
        alone |= by_moment(told(engine(1), tmp_path / user, moments, config=config))
    assert by_moment(together) == alone
    assert temperature == 0 or len(set(alone.values())) > 4


def test_a_new_event_costs_one_question_and_a_removed_one_those_from_its_block(
    tmp_path: Path,
) -> None:
    told(Counting(), tmp_path / "first", LAST)
    for changed, questions in (
        ([*HISTORIES["u1"], 3], 1),
        ([0, 4, 8, 1, 1, 2], 1),  # without the item at place 5: the last block is no more
        ([4, 8, 1, 1, 5, 2], 2),
        ([0, 4, 8], 0),
    ):
        engine = Counting()
        tastes = told(
            engine,
            tmp_path / f"then {changed}",
            [("u1", len(changed))],
            {"u1": changed},
            earlier=tmp_path / "first",
        )
        assert len(engine.asked) == tastes.asked == questions
        assert tastes.taken_over == -(-len(changed) // 3) - questions


@pytest.mark.parametrize(
    "change",
    [{"block": 2}, {"words": 7}, {"max_new_tokens": 9}, {"temperature": 0.6}, {"kind": "direct"}],
)
def test_what_decides_an_answer_is_asked_anew(change: dict[str, object], tmp_path: Path) -> None:
    told(Counting(), tmp_path / "first", LAST)
    config = RECURRENT.model_copy(update=change)
    tastes = told(Counting(), tmp_path / "then", LAST, config=config, earlier=tmp_path / "first")
    assert tastes.taken_over <= 1  # of u2, whose two items are one block of 2 too
    assert tastes.asked > 0


def test_an_interrupted_table_goes_on(tmp_path: Path) -> None:
    whole = told(Counting(), tmp_path / "whole")
    engine = Counting(patience=5)
    with pytest.raises(EngineError, match="gone"):
        told(engine, tmp_path / "journal")
    engine.patience = 10**6
    resumed = told(engine, tmp_path / "journal")
    assert len(engine.asked) == len(set(engine.asked)) == whole.asked == resumed.asked
    assert_frame_equal(resumed.table.drop(schema.SECONDS), whole.table.drop(schema.SECONDS))


def test_an_answer_that_tells_nothing_is_asked_again_and_the_state_before_stays(
    tmp_path: Path,
) -> None:
    def rule(asked: str) -> str:
        if "blue lamp" in asked:
            return "I'm sorry, I cannot tell."
        if "green chair" in asked and "preference alone" not in asked:
            return ""
        return f"likes {len(asked)} signs"

    history = [0, 1, 8, 4, 2, 3, 1]
    engine = Counting(rule)
    tastes = told(engine, tmp_path / "journal", [("u", 3), ("u", 6), ("u", 7)], {"u": history})
    first, second, third = tastes.table[schema.TASTE].to_list()
    assert first == second
    assert first.startswith("likes")
    assert third not in ("", second)
    assert tastes.table[schema.TASTE_VALID].to_list() == [True, False, True]
    assert (tastes.asked, tastes.asked_again, tastes.kept) == (3 + 2, 2, 1)
    assert f"Preference so far: {first}\n" in engine.asked[-1]


def test_answers_are_one_line_of_so_many_words(tmp_path: Path) -> None:
    engine = Counting(lambda _: "Prefers blue,\n red, green, oak, wool, cork, linen, iron.")
    (taste,) = told(engine, tmp_path / "journal", [("u2", 2)]).table[schema.TASTE]
    assert taste == "Prefers blue, red, green, oak, wool."


@pytest.mark.parametrize(
    ("answer", "taste"),
    [
        ("Prefers blue, red, red, Red,  oak, red, oak.", "Prefers blue, red, oak."),
        ("Prefers red, oak; also oak, wool.", "Prefers red, oak; also wool."),
        ("Prefers red, red, oak; also red, oak.", "Prefers red, oak."),
        ("Perhaps red, oak; also", "Perhaps red, oak."),
        ("Prefers vase,,,, , oak,,.", "Prefers vase, oak."),
        ("Likes war films, comedies; enjoys drama.", "Likes war films, comedies; enjoys drama."),
    ],
)
def test_what_a_list_says_again_is_left_out(answer: str, taste: str, tmp_path: Path) -> None:
    engine = Counting(lambda _: answer)
    (told_of,) = told(engine, tmp_path / "journal", [("u2", 2)]).table[schema.TASTE]
    assert told_of == taste


@pytest.mark.parametrize(
    ("answer", "taste"),
    [
        ("Prefers oak, red, blue, red", "Prefers oak, red, blue."),  # the cut end said it before
        ("Prefers oak, red, blue, redd", "Prefers oak, red, blue."),  # it may be half a word
        ("Prefers oak, red; also", "Prefers oak, red."),
    ],
)
def test_what_a_list_said_first_stays_in_its_place(answer: str, taste: str, tmp_path: Path) -> None:
    with teller_of(Counting(lambda _: answer, cut=True), tmp_path / "journal") as teller:
        assert tastes_after(teller, [[3]], "tastes") == [taste]


def test_long_lines_are_shortened_and_the_oldest_items_left_out(tmp_path: Path) -> None:
    config = RECURRENT.model_copy(update={"kind": "direct", "max_item_tokens": 4})
    items = ["one two three four five six", *(f"item {number}" for number in range(1, 60))]
    frame = prompts.insisted_taste(prompts.taste_update(NOUNS, "", [], 6), 6)
    words = sum(len(str(part).split()) for part in frame)
    for room, shown in ((None, 60), (words + 8 + 4 + 59 * 2, 60), (words + 8 + 10, 5), (3, 1)):
        engine = Counting(room=room)
        history = {"u": list(range(60))}
        tell_tastes(engine, items, NOUNS, history, [("u", 60)], config, tmp_path / f"{room}", WHO)
        lines = engine.asked[0].splitlines()[1:-1]
        expect = ["one two three four", *items[1:]][60 - shown :]
        assert lines == expect


def test_a_prompt_longer_than_the_model_reads_is_answered(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    config = RECURRENT.model_copy(update={"kind": "direct", "max_new_tokens": 1})
    engine = LocalEngine(tiny_backbone, ImageFeatures.none(0))
    history = {"u": np.zeros(tiny_backbone.context, dtype=np.int32)}
    moments = [("u", tiny_backbone.context)]
    tastes = told(engine, tmp_path / "journal", moments, history, config)
    assert len(tastes.table) == 1


def test_before_the_first_interaction_there_is_no_taste(tmp_path: Path) -> None:
    tastes = told(Counting(), tmp_path / "journal", [("u1", 0)])
    assert tastes.table.row(0)[:5] == ("u1", 0, 0, "", None)
    assert (tastes.asked, tastes.steps, tastes.calls_a_moment) == (0, 0, 0.0)


def test_a_moment_beyond_the_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="u2 has 2 interactions, and a taste after 3"):
        told(Counting(), tmp_path / "journal", [("u2", 3)])
    with (
        pytest.raises(ValueError, match="not told"),
        telling(Counting(), ITEMS, NOUNS, TasteConfig(), tmp_path / "none", WHO),
    ):
        pass


def test_tastes_of_many_histories_share_what_they_begin_with(tmp_path: Path) -> None:
    engine = Counting()
    histories = [[0, 4, 8, 1], [0, 4, 8, 2], [], [0, 4, 8]]
    with teller_of(engine, tmp_path / "journal") as teller:
        found = tastes_after(teller, histories, "tastes")
    assert found == [expected(history, len(history), RECURRENT, engine) for history in histories]
    assert engine.together == [1, 2]


def test_a_server_tells_tastes_and_is_asked_for_draws(tmp_path: Path) -> None:
    rule = Counting()
    config = RECURRENT.model_copy(update={"temperature": 0.6, "seed": 4})
    with serving(lambda asked: chat(rule.rule(asked.text))) as server:
        engine = open_server_engine(server.config(), lambda _: None, sampling_of(config))
        tastes = told(engine, tmp_path / "journal", config=config)
    assert by_moment(tastes) == {
        (user, moment): expected(HISTORIES[user], moment, config, rule) for user, moment in ALL
    }
    assert {(asked.body["temperature"], asked.body["seed"]) for asked in server.chats} == {(0.6, 4)}
    assert len(server.chats) == tastes.asked
