"""The server engine and a real server, `transformers serve`, with the same tiny model in both."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from gistrec import schema
from gistrec.cli.main import app
from gistrec.config.engine import EngineConfig
from gistrec.config.gist import GistConfig, Style
from gistrec.errors import EngineError
from gistrec.gist.asking import Catalogue
from gistrec.gist.summarise import summarise
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines import client
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.engines.server import ServerEngine, open_server_engine
from gistrec.mllm.engines.server_scoring import open_server_scorer
from gistrec.mllm.prompts import ItemImage, image_keywords, text_keywords
from gistrec.mllm.vision.features import ImageFeatures
from servers.tiny_vllm import looked_at, plain
from servers.transformers_serve import transformers_serve

LENGTH = 9
QUESTIONS = [
    Question(("red sofa",)),
    Question(tuple(text_keywords("blue lamp", "a lamp, plain and dotted"))),
    *(Question(tuple(image_keywords(code))) for code in range(4)),
    Question(("is ", ItemImage(1), "like ", ItemImage(2), "or not?")),
    Question(("green chair for a user who chose next",)),
]


@pytest.fixture(scope="module")
def backbone(tiny_backbone: Backbone) -> Backbone:
    backbone = plain(tiny_backbone)
    # As Qwen's are published; the engine asks without.
    backbone.model.generation_config.repetition_penalty = 1.5
    return backbone


@pytest.fixture(scope="module")
def server(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineConfig]:
    folder = tmp_path_factory.mktemp("served")
    backbone.save(folder / "model")
    with transformers_serve(folder / "model", folder / "home") as url:
        yield EngineConfig(
            kind="server", url=url, model=str(folder / "model"), attempts=2, concurrency=2
        )


@pytest.fixture(scope="module")
def features(backbone: Backbone, pictures: list[bytes]) -> ImageFeatures:
    return looked_at(backbone, pictures)


@pytest.fixture
def engine(server: EngineConfig, pictures: list[bytes]) -> ServerEngine:
    return open_server_engine(server, dict(enumerate(pictures)).get)


def test_both_engines_give_the_same_answers(
    engine: ServerEngine, backbone: Backbone, features: ImageFeatures
) -> None:
    here = dict(LocalEngine(backbone, features).answer(QUESTIONS, LENGTH))
    there = dict(engine.answer(QUESTIONS, LENGTH))
    assert {n: answer.text for n, answer in there.items()} == {
        n: answer.text for n, answer in here.items()
    }
    assert all(answer == Answer(answer.text, True) for answer in there.values())
    assert len(set(here.values())) > 3


@pytest.mark.parametrize("style", ["keywords", "sentences"])
def test_gists_are_the_same_and_an_interruption_costs_no_answer(
    style: Style,
    engine: ServerEngine,
    backbone: Backbone,
    features: ImageFeatures,
    pictures: list[bytes],
    tmp_path: Path,
) -> None:
    catalogue = Catalogue(
        pl.Series([f"i{code}" for code in range(6)]),
        [f"title {code}" for code in range(6)],
        ["red sofa"] * 6,
        [bytes([code]) if code in features else b"" for code in range(6)],
    )
    config, who = GistConfig(style=style, max_new_tokens=5), Answering("tiny", None, "tiny")
    journal = tmp_path / "answers.jsonl"
    asked = 0

    def until_the_fourth(code: int) -> bytes:
        nonlocal asked
        asked += 1
        if asked == 5:  # the first is the engine's own look at the server
            raise KeyboardInterrupt
        return pictures[code]

    broken = ServerEngine(engine.config.model_copy(update={"concurrency": 1}), until_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        summarise(broken, catalogue, config, journal, who)
    kept = journal.read_text().splitlines()
    assert len(kept) == 4
    found = summarise(engine, catalogue, config, journal, who)
    assert journal.read_text().splitlines()[:4] == kept
    local = LocalEngine(backbone, features)
    expected = summarise(local, catalogue, config, tmp_path / "local.jsonl", who)
    assert_frame_equal(found.gists.drop(schema.SECONDS), expected.gists.drop(schema.SECONDS))
    assert found.asked_again == expected.asked_again


def test_it_cannot_score_and_that_is_said(server: EngineConfig, backbone: Backbone) -> None:
    with pytest.raises(EngineError) as error:
        open_server_scorer(server, backbone, lambda _: None)
    assert "422" in str(error.value)
    assert "logprob_token_ids" in str(error.value)
    assert "scoring needs vLLM" in str(error.value)


def test_another_model_is_not_there(engine: ServerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)
    config = engine.config.model_copy(update={"model": "somebody/else"})
    with pytest.raises(EngineError, match="does not serve the model 'somebody/else'"):
        list(open_server_engine(config, engine.image_of).answer([QUESTIONS[0]], 4))


def test_the_doctor_says_what_it_can(server: EngineConfig) -> None:
    model = str(server.model)
    shown = (
        CliRunner()
        .invoke(app, ["doctor", "--server", str(server.url), "--server-model", model])
        .stdout
    )
    lines = [
        " ".join(line.split()) for line in shown.partition(f"server {server.url}")[2].split("\n")
    ]
    assert f"ok images, model {model}: yes" in lines
    assert (
        f"off log-probabilities, model {model}: none are returned: no scoring on this server"
        in lines
    )


def test_the_doctor_says_that_nobody_is_there() -> None:
    ended = CliRunner().invoke(app, ["doctor", "--server", "http://127.0.0.1:9"])
    assert ended.exit_code == 1
    assert "cannot be reached" in ended.stdout
