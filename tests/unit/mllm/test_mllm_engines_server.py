"""The server engine against a real HTTP server that answers well, badly, slowly or not at all."""

import base64
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from gistrec.config.engine import EngineConfig
from gistrec.errors import DataError, EngineError
from gistrec.mllm.engines import client
from gistrec.mllm.engines.engine import Answer, Question, Sampling
from gistrec.mllm.engines.probe import drawing
from gistrec.mllm.engines.server import open_server_engine
from gistrec.mllm.prompts import ItemImage
from servers.scripted import Asked, Reply, Rule, by_turns, chat, failing, models, serving

PNG = drawing()
RED, SEEN = Question(("red ", "sofa")), Question((ItemImage(1), "what?"))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)


def echo(asked: Asked) -> Reply:
    return chat(f"{asked.text} {len(asked.images)}", prompt_tokens=9 + 64 * len(asked.images))


def no_image(_: int) -> bytes | None:
    return None


def refusal(rule: Rule, question: Question = RED, **changed: Any) -> str:
    """What a person is told when a question comes to nothing."""
    with serving(rule, models("tiny", "huge")) as server:
        engine = open_server_engine(server.config(**changed), lambda _: PNG)
        with pytest.raises(EngineError) as error:
            list(engine.answer([question], 4))
    return str(error.value).replace(server.url, "URL")


def test_every_question_is_answered(pictures: list[bytes]) -> None:
    questions = [Question((f"number {n}",)) for n in range(40)] + [SEEN]
    with serving(echo) as server:
        engine = open_server_engine(server.config(concurrency=4), dict(enumerate(pictures)).get)
        answers = dict(engine.answer(questions, 7))
    assert answers == {
        **{n: Answer(f"number {n} 0", False) for n in range(40)},
        40: Answer("what? 1", False),
    }
    asked = server.chats[-1].body
    assert asked["model"] == "tiny"
    assert asked["temperature"] == 0
    assert asked["max_completion_tokens"] == 7


def test_answers_are_drawn_where_that_is_asked_for() -> None:
    with serving(echo) as server:
        for sampling in (None, Sampling(0.6, seed=7)):
            engine = open_server_engine(server.config(), no_image, sampling)
            list(engine.answer([RED], 4))
            assert engine.room is None
    likeliest, drawn = (asked.body for asked in server.chats)
    assert likeliest["temperature"] == 0
    assert "seed" not in likeliest
    assert (drawn["temperature"], drawn["seed"]) == (0.6, 7)


def test_texts_in_a_row_are_one_part_and_an_image_is_sent_as_it_is(pictures: list[bytes]) -> None:
    with serving(echo) as server:
        engine = open_server_engine(server.config(), dict(enumerate(pictures)).get)
        list(engine.answer([Question(("a", ItemImage(2), "b", "c"))], 4))
    parts = server.chats[-1].body["messages"][0]["content"]
    url = "data:image/png;base64," + base64.b64encode(pictures[2]).decode()
    assert parts == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "bc"},
    ]


def test_an_answer_that_was_cut_says_so_and_one_without_words_is_empty() -> None:
    with serving(by_turns(chat("red, so", "length"), chat(None))) as server:
        engine = open_server_engine(server.config(), no_image)
        assert list(engine.answer([RED], 4)) == [(0, Answer("red, so", True))]
        assert list(engine.answer([RED], 4)) == [(0, Answer("", False))]


def test_no_more_requests_at_a_time_than_allowed() -> None:
    def slowly(asked: Asked) -> Reply:
        time.sleep(0.02)
        return echo(asked)

    with serving(slowly) as server:
        engine = open_server_engine(server.config(concurrency=3), no_image)
        assert len(list(engine.answer([RED] * 20, 4))) == 20
    assert server.most_at_once == 3


# --- failures that pass ---


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with serving(by_turns(failing(status), failing(status), chat("red"))) as server:
        engine = open_server_engine(server.config(), no_image)
        assert list(engine.answer([RED], 4)) == [(0, Answer("red", False))]
    assert len(server.chats) == 3


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("wait", [lambda: "1", in_a_second], ids=["seconds", "date"])
def test_a_server_is_left_alone_as_long_as_it_asks(wait: Callable[[], str]) -> None:
    """A date has whole seconds only, so that up to one of the two may be over already."""
    with serving(by_turns(failing(429, Retry_After=wait()), chat("red"))) as server:
        list(open_server_engine(server.config(), no_image).answer([RED], 4))
    first, second = server.chats
    assert 0.9 <= second.at - first.at < 4


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.05)
    waits = []
    for _ in range(2):
        with serving(failing_always) as server:
            engine = open_server_engine(server.config(attempts=4), no_image)
            with pytest.raises(EngineError):
                list(engine.answer([RED], 4))
        times = [one.at for one in server.chats]
        waits.append([after - before for before, after in itertools.pairwise(times)])
    for first, second, third in waits:
        assert first >= 0.025
        assert second >= 0.05
        assert 0.1 <= third < 2
    assert waits[0] != waits[1]


def failing_always(_: Asked) -> Reply:
    return failing(503, "busy loading")


def test_patience_ends() -> None:
    told = refusal(failing_always)
    assert told == (
        "URL fails with 503: busy loading (3 attempts). What was answered is kept: run the same "
        "command again to go on."
    )


def test_a_server_that_hangs_is_asked_again_and_then_given_up() -> None:
    with serving(by_turns(Reply({}, hang=True), chat("red"))) as server:
        engine = open_server_engine(server.config(timeout_seconds=0.3), no_image)
        assert list(engine.answer([RED], 4)) == [(0, Answer("red", False))]
    told = refusal(lambda _: Reply({}, hang=True), timeout_seconds=0.2, attempts=2)
    assert told.startswith(
        "URL does not answer within 0.2 s: raise timeout_seconds or lower concurrency (2 attempts)"
    )


def test_nobody_there() -> None:
    with serving(echo) as server:
        config = server.config(attempts=2)
    with pytest.raises(EngineError, match=r"cannot be reached \(.*\): is the server running, and"):
        list(open_server_engine(config, no_image).answer([RED], 4))


def test_a_server_that_comes_back_is_found_again() -> None:
    """It goes away after the first answer, and stands at the same address a moment later."""
    with serving(echo) as server:
        config = server.config(attempts=8, concurrency=1)
        port = int(server.url.split(":")[2].split("/")[0])
        engine = open_server_engine(config, no_image)
        assert len(list(engine.answer([RED], 4))) == 1
    late = threading.Timer(0.3, one_answer, (port,))
    late.start()
    try:
        assert list(engine.answer([RED], 4)) == [(0, Answer("late", False))]
    finally:
        late.join()


def one_answer(port: int) -> None:
    """Answer one request on a port, at most for some seconds."""
    body = json.dumps(chat("late").body).encode()
    with socket.create_server(("127.0.0.1", port)) as door:
        door.settimeout(10)
        caller, _ = door.accept()
        with caller:
            caller.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            caller.sendall(head.encode() + body)


def test_answers_that_came_before_a_failure_are_out() -> None:
    def rule(asked: Asked) -> Reply:
        return failing(400, "odd") if asked.text == "number 5" else echo(asked)

    found: list[int] = []
    with serving(rule) as server:
        engine = open_server_engine(server.config(concurrency=1), no_image)
        answers = engine.answer([Question((f"number {n}",)) for n in range(9)], 4)
        with pytest.raises(EngineError, match="odd"):
            found.extend(number for number, _ in answers)
    assert found == [0, 1, 2, 3, 4]


def test_who_stops_listening_stops_the_questions() -> None:
    with serving(echo) as server:
        engine = open_server_engine(server.config(concurrency=2), no_image)
        answers = engine.answer([RED] * 500, 4)
        next(answers)
        answers.close()  # type: ignore[attr-defined]
        time.sleep(0.2)
        asked = len(server.chats)
        time.sleep(0.2)
        assert len(server.chats) == asked < 400


# --- failures that do not ---


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (failing(401, "who?"), "URL wants a key (401: who?): put its key into an environment"),
        (
            failing(404, "The model `tiny` does not exist."),
            "URL does not serve the model 'tiny': The model `tiny` does not exist.; it has: tiny, "
            "huge",
        ),
        (
            Reply({"detail": "Server is pinned to '/x'; requested 'tiny'."}, 400),
            "URL does not serve the model 'tiny': Server is pinned to '/x'; requested 'tiny'.",
        ),
        (
            Reply(b"<html>nothing here</html>", 404),
            "URL is no OpenAI-compatible server (404 at /chat/completions): its url usually ends",
        ),
        (Reply(b"<html>hello</html>"), "URL is no OpenAI-compatible server: it answers with some"),
        (Reply({"ok": True}), "URL answers with no choices"),
        (
            failing(400, "This model's maximum context length is 32 tokens"),
            "a question is too long for URL (400: This model's maximum context length is 32 tok",
        ),
        (failing(422, "odd"), "URL refuses a request (422: odd)"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_will_not_pass_says_what_to_do_at_once(reply: Reply, told: str) -> None:
    asked = []

    def rule(one: Asked) -> Reply:
        asked.append(one)
        return reply

    assert refusal(rule).startswith(told)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "rule",
    [
        lambda asked: failing(400, "tiny is not a multimodal model") if asked.images else chat("a"),
        lambda asked: failing(400, "image input is not supported") if asked.images else chat("a"),
        lambda _: chat("a", prompt_tokens=5),
    ],
    ids=["refused", "refused otherwise", "dropped without a word"],
)
def test_a_model_that_reads_text_alone_is_found_out(rule: Rule) -> None:
    told = refusal(rule, SEEN)
    assert told.startswith("URL does not show images to 'tiny': serve a model that reads images")


def test_a_server_that_counts_no_tokens_is_believed() -> None:
    with serving(lambda _: chat("red", prompt_tokens=None)) as server:
        engine = open_server_engine(server.config(), lambda _: PNG)
        assert list(engine.answer([SEEN], 4)) == [(0, Answer("red", False))]


def test_an_item_without_image_is_named() -> None:
    with serving(echo) as server:
        engine = open_server_engine(server.config(), no_image)
        with pytest.raises(DataError, match="row 1 of the catalogue has no image"):
            list(engine.answer([SEEN], 4))


# --- keys ---


def test_a_key_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", "sesame-open")
    with serving(echo) as server:
        engine = open_server_engine(server.config(api_key_variable="TINY_KEY"), no_image)
        list(engine.answer([RED], 4))
        assert "sesame" not in repr(engine)
    assert server.chats[0].headers["Authorization"] == "Bearer sesame-open"
    told = refusal(lambda _: failing(401, "bad key sesame-open"), api_key_variable="TINY_KEY")
    assert told == "URL wants a key (401: bad key ***): the key in TINY_KEY is not accepted"


def test_a_key_that_is_not_there_is_missed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINY_KEY", raising=False)
    with serving(echo) as server:
        config = server.config(api_key_variable="TINY_KEY")
        with pytest.raises(EngineError, match="TINY_KEY is to hold the server's key and is not"):
            open_server_engine(config, no_image)
    assert server.asked == []


# --- small things ---


def test_an_address_without_path_gets_the_usual_one() -> None:
    with serving(echo) as server:
        config = server.config(url=server.url.removesuffix("/v1"))
        assert len(list(open_server_engine(config, no_image).answer([RED], 4))) == 1


@pytest.mark.parametrize("text", ["red sofa with dots", "红色的沙发", ""])
def test_tokens_are_counted_rather_high(text: str) -> None:
    config = EngineConfig(kind="server", url="http://127.0.0.1:9/v1", model="tiny")
    counted = open_server_engine(config, no_image).count(text)
    assert len(text.encode()) / 3 <= counted < len(text.encode()) / 3 + 1
