"""The gist stage of a run whose questions a server answers."""

import shutil
from pathlib import Path
from threading import Lock

import pytest
from end_to_end_cases import Tiny

from gistrec import schema
from gistrec.errors import EngineError
from gistrec.files import read_json
from gistrec.mllm.engines import client
from gistrec.pipeline.gist.stage import gist_stage
from gistrec.pipeline.run import open_run
from gistrec.pipeline.workplace import Workplace
from servers.scripted import Asked, Reply, Served, chat, failing, serving

FIRST = 100  # answers before the server goes away
AT_ONCE = 4


class Clerk:
    """Answers about images with keywords; two items' only when asked firmly, one item's never."""

    def __init__(self, patience: int = 10**6) -> None:
        self.patience, self.lock = patience, Lock()
        self.answered: list[Asked] = []
        self.seen: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        if "Keywords" not in asked.text:  # the engine's look at the server
            return chat("a", prompt_tokens=5 + 64 * len(asked.images))
        with self.lock:
            if len(self.answered) >= self.patience:
                return failing(503)
            self.answered.append(asked)
            if asked.images[0] not in self.seen:
                self.seen.append(asked.images[0])
            place = self.seen.index(asked.images[0])
        if place == 0 or (place < 3 and "nothing else" not in asked.text):
            return chat("I'm sorry, I cannot see it.")
        return chat("red, sofa")


def workplace(tiny: Tiny, run: Path, server: Served, **engine: object) -> Workplace:
    work, _ = open_run(tiny.run)
    changed = {"engine": server.config(**engine), "text_keywords": 0}
    gist = work.config.gist.model_copy(update=changed)
    return Workplace(run, work.config.model_copy(update={"gist": gist}), work.dataset)


def test_a_server_that_goes_away_costs_a_few_answers_and_no_answer_is_asked_for_twice(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)
    run = tmp_path / "run"
    shutil.copytree(tiny.run / "backbone", run / "backbone")
    clerk = Clerk(FIRST)
    with serving(clerk) as server:
        work = workplace(tiny, run, server, attempts=2, concurrency=AT_ONCE)
        with pytest.raises(EngineError, match="run the same command again to go on"):
            gist_stage(work, run / "backbone")
    kept = (run / ".gist.partial" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert FIRST - AT_ONCE <= len(kept) <= FIRST
    clerk.patience, before = 10**6, len(clerk.answered)
    with serving(clerk) as server:
        # Another address, another pace: the answers stay.
        work = workplace(tiny, run, server, attempts=3, concurrency=2)
        gists = gist_stage(work, run / "backbone")
        asked = len(server.asked)
        gist_stage(workplace(tiny, run, server, timeout_seconds=7), run / "backbone")
        assert len(server.asked) == asked
    pictured = gists[schema.IMAGE_VALID].drop_nulls()
    assert len(pictured) > FIRST + AT_ONCE
    assert len(clerk.answered) - before == len(pictured) - len(kept) + 3
    facts = read_json(run / "gist" / "manifest.json")["facts"]
    assert facts["engine"] == "server, tiny"
    assert (facts["invalid_image"], facts["invalid_text"], facts["asked_again"]) == (1, 0, 3)
    told = gists[schema.IMAGE_KEYWORDS].to_list()
    assert told.count(["red", "sofa"]) == len(pictured) - 1
    assert pictured.sum() == len(pictured) - 1
    assert gists[schema.TEXT_VALID].null_count() == len(gists)
