"""A finished run's recommender scored by a server that holds the same model, or another."""

import json
import shutil
from pathlib import Path
from threading import Lock

import polars as pl
import pytest
from end_to_end_cases import Command, Ended, Tiny
from polars.testing import assert_frame_equal

from gistrec.mllm.backbone import make_backbone
from gistrec.mllm.embedded import make_model
from gistrec.mllm.engines import client
from gistrec.pipeline.recommend import Recommendations
from servers.scripted import Asked, Reply, Served, failing, serving
from servers.tiny_vllm import TinyVllm

PROTOCOL = "cold-sampled"
CHECKED = 4  # questions of the start check
FIRST = 30  # answers before the server goes away
AT_ONCE = 4


class Mortal:
    """Answers with another's answers, so many of them."""

    def __init__(self, whole: TinyVllm, most: int) -> None:
        self.whole, self.most, self.lock = whole, most, Lock()
        self.answered = 0

    def __call__(self, asked: Asked) -> Reply:
        with self.lock:
            if self.answered >= self.most:
                return failing(400, "out of order")
            self.answered += 1
        return self.whole(asked)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)


@pytest.fixture(scope="module")
def found(tiny: Tiny) -> Recommendations:
    return Recommendations.open(tiny.run, "mmsrarec")


@pytest.fixture(scope="module")
def same(found: Recommendations) -> TinyVllm:
    """The run's own model, behind a server that joins texts."""
    return TinyVllm(found.recommender.backbone)


@pytest.fixture
def run(tiny: Tiny, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.run, tmp_path / "run"))


def evaluated(gistrec: Command, run: Path, server: Served, *more: object) -> Ended:
    named = ["--server", server.url, "--server-model", "tiny", "--server-concurrency", AT_ONCE]
    return gistrec("evaluate", "--run", run, "--protocol", PROTOCOL, *named, *more)


def systems(run: Path) -> list[tuple[str, str]]:
    rows = json.loads((run / "leaderboard.json").read_bytes())
    return [(row["system"], row["protocol"]) for row in rows]


def test_ranks_on_a_server_are_the_local_ones_and_an_interruption_costs_no_answer(
    tiny: Tiny, gistrec: Command, same: TinyVllm, run: Path
) -> None:
    before = systems(run)
    with serving(Mortal(same, CHECKED + FIRST)) as server:
        ended = evaluated(gistrec, run, server)
    assert ended.code == 1
    assert "out of order" in ended.err
    assert systems(run) == before
    partial = run / f".served-{PROTOCOL}.partial"
    kept = (partial / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert FIRST - AT_ONCE <= len(kept) <= FIRST

    with serving(same) as server:  # at another address
        ended = evaluated(gistrec, run, server)
        assert ended.code == 0, ended.err
        asked = len(server.chats)
        local = pl.read_parquet(run / "ranks" / f"mmsrarec.{PROTOCOL}.parquet")
        assert asked == CHECKED + 21 * len(local) - len(kept)
        again = evaluated(gistrec, run, server)
        assert len(server.chats) == asked
    served = pl.read_parquet(run / "ranks" / f"mmsrarec@server.{PROTOCOL}.parquet")
    assert_frame_equal(served.drop("auc_pooled"), local.drop("auc_pooled"))
    assert local["rank"].n_unique() > 5
    everyone = f"{PROTOCOL}: of {len(local)} scored positives {len(local)} have the same rank"
    assert everyone in ended.out
    assert f"{PROTOCOL}: server " in ended.out
    assert "other tokens" not in ended.out
    assert again.out == ended.out
    assert systems(run) == [*before, ("mmsrarec@server", PROTOCOL)]

    gistrec.done(*tiny.command(run))
    assert ("mmsrarec@server", PROTOCOL) in systems(run)
    gistrec.done(*tiny.command(run, "--set", "name=renamed", "--set", "baselines.names=[sasrec]"))
    assert not [system for system, _ in systems(run) if "server" in system]


def test_another_models_server_is_refused_and_nothing_is_written(
    gistrec: Command, same: TinyVllm, found: Recommendations, run: Path
) -> None:
    tuned, config = found.recommender.backbone, found.work.config.backbone.embedded
    other = make_model(tuned.processor.tokenizer, config.model_copy(update={"seed": 9})).eval()
    before = systems(run)
    with serving(TinyVllm(make_backbone(other, tuned.processor))) as server:
        ended = evaluated(gistrec, run, server)
    assert ended.code == 1
    assert "differ from those of the model here" in ended.err
    assert "does it serve the same model" in ended.err
    assert len(server.chats) == CHECKED
    assert systems(run) == before
    assert not list((run / "ranks").glob("*@server*"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--server", "http://127.0.0.1:9"], "--server needs --server-model"),
        (["--server-model", "tiny"], "name it with --server"),
        (["--server", "ftp://x", "--server-model", "tiny"], "must begin with http://"),
        (["--server", "http://127.0.0.1:9/v1", "--server-model", "tiny", "--protocol", "fuller"],
         "was not measured by 'fuller'"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_said(
    wrong: list[str], told: str, tiny: Tiny, gistrec: Command
) -> None:
    ended = gistrec("evaluate", "--run", tiny.run, *wrong)
    assert ended.code == 1
    assert told in ended.err
    assert not (tiny.run / ".served-full.partial").exists()
