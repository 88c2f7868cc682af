"""Scores from a server that speaks vLLM's protocol, backed by the tiny model."""

from typing import Any

import pytest
import torch

from gistrec.errors import EngineError
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import make_model
from gistrec.mllm.engines import client
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.engines.server_scoring import open_server_scorer
from gistrec.mllm.prompts import ItemImage, Nouns, candidate, known_of_user
from servers.scripted import Asked, Reply, Rule, chat, failing, serving
from servers.tiny_vllm import TinyVllm, plain, score

KNOWN = known_of_user(Nouns("item", "chose"), ["blue lamp", "green chair"], [])
QUESTIONS = [
    Question((*KNOWN, *candidate(code, title, "dotted item")))
    for code, title in ((None, "red sofa"), (2, "sofa"), (3, ""), (None, "lamp"), (0, "plain"))
]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)


@pytest.fixture(scope="module")
def backbone(tiny_backbone: Backbone) -> Backbone:
    torch.set_num_threads(1)
    return plain(tiny_backbone)


def test_scores_are_the_models_own(backbone: Backbone, pictures: list[bytes]) -> None:
    with serving(TinyVllm(backbone)) as server:
        image_of = dict(enumerate(pictures)).get
        scorer = open_server_scorer(server.config(), backbone, image_of, tolerance=1e-4)
        checked = len(server.chats)
        found = scorer.score(QUESTIONS)
    expected = []
    for question in QUESTIONS:
        here, images = [], []
        for part in question.segments:
            if isinstance(part, ItemImage):
                here.append(ItemImage(len(images)))
                images.append(pictures[part.code])
            else:
                here.append(part)
        expected.append(score(backbone, Question(tuple(here)), images))
    assert found == pytest.approx(expected, abs=1e-4)
    assert max(expected) - min(expected) > 0.01
    assert len(server.chats) == checked + len(QUESTIONS)
    asked = server.chats[-1].body
    assert asked["logprobs"] is True
    assert asked["max_completion_tokens"] == 1
    assert sorted(asked["logprob_token_ids"]) == sorted(backbone.yes_ids + backbone.no_ids)


def refusal(rule: Rule, backbone: Backbone, **changed: Any) -> str:
    """Why a server is not taken for a scorer."""
    with serving(rule) as server, pytest.raises(EngineError) as error:
        open_server_scorer(server.config(**changed), backbone, lambda _: None)
    return str(error.value).replace(server.url, "URL")


def test_another_models_scores_are_refused(
    backbone: Backbone, tiny_config: Any, tiny_backbone: Backbone
) -> None:
    assert refusal(TinyVllm(backbone, off_by=1.0), backbone).startswith(
        "the scores of URL differ from those of the model here by up to 1.000 logits ("
    )
    other = tiny_config.model_copy(update={"seed": 5})
    model = make_model(backbone.processor.tokenizer, other).eval()
    told = refusal(TinyVllm(make_backbone(model, backbone.processor)), backbone)
    assert "does it serve the same model and revision, with the same chat template" in told


def test_a_small_difference_is_borne(backbone: Backbone) -> None:
    with serving(TinyVllm(backbone, off_by=0.1)) as server:
        open_server_scorer(server.config(), backbone, lambda _: None)


def test_an_image_that_the_server_sees_otherwise_is_noticed(backbone: Backbone) -> None:
    """A server that drops images agrees on texts alone, and is found out by the others."""
    whole = TinyVllm(backbone)

    def blind(asked: Asked) -> Reply:
        content = asked.body["messages"][0]["content"]
        parts = [part for part in content if part["type"] == "text"] or [
            {"type": "text", "text": ""}
        ]
        asked.body["messages"][0]["content"] = parts
        return whole(asked)

    with serving(blind) as server, pytest.raises(EngineError, match="differ from those"):
        open_server_scorer(server.config(), backbone, lambda _: None, tolerance=0.01)


def without_logprobs(_: Asked) -> Reply:
    return chat("yes")


def test_a_server_without_logprobs_is_refused(backbone: Backbone) -> None:
    assert refusal(without_logprobs, backbone) == (
        "URL returns no log-probabilities: scoring needs vLLM with `logprob_token_ids`"
    )


def test_a_server_that_does_not_know_the_request_is_refused(backbone: Backbone) -> None:
    def strict(asked: Asked) -> Reply:
        return failing(422, "Unexpected fields in the request: {'logprob_token_ids'}")

    assert refusal(strict, backbone) == (
        "URL refuses a request (422: Unexpected fields in the request: {'logprob_token_ids'}). "
        "scoring needs vLLM with `logprob_token_ids`"
    )


def test_a_server_that_gives_its_likeliest_tokens_instead_is_refused(backbone: Backbone) -> None:
    """As servers do that ignore what they do not know: names, or other tokens than asked for."""
    whole = TinyVllm(backbone)

    def ignoring(*fields: str) -> Rule:
        def rule(asked: Asked) -> Reply:
            for name in fields:
                asked.body.pop(name)
            return whole(asked)

        return rule

    told = refusal(ignoring("logprob_token_ids"), backbone)
    count = len(backbone.yes_ids + backbone.no_ids)
    assert f"asked for ({count} of {count} are missing)" in told
    told = refusal(ignoring("logprob_token_ids", "return_tokens_as_token_ids"), backbone)
    assert told.startswith("URL returns no log-probabilities")


def test_what_passes_is_waited_for(backbone: Backbone) -> None:
    whole, seen = TinyVllm(backbone), []

    def rule(asked: Asked) -> Reply:
        seen.append(asked)
        return failing(429) if len(seen) % 3 == 1 else whole(asked)

    with serving(rule) as server:
        open_server_scorer(server.config(concurrency=1), backbone, lambda _: None)
    assert len(server.chats) > 4


def test_a_server_that_never_comes_round_is_given_up(backbone: Backbone) -> None:
    assert refusal(lambda _: failing(500), backbone).startswith("URL fails with 500")
    hanging = refusal(lambda _: Reply({}, hang=True), backbone, timeout_seconds=0.2, attempts=2)
    assert hanging.startswith("URL does not answer within 0.2 s")
