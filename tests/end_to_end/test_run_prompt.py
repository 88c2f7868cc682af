import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from end_to_end_cases import Command, Tiny

from gistrec.data.queries import Queries
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.collab import asked_neighbours
from gistrec.pipeline.prompt import shown_prompt
from gistrec.pipeline.recommend import Recommendations
from gistrec.recommender import rank
from gistrec.recommender.known import Known
from gistrec.recommender.nearby import nearby_items

PARTS = (
    "frame",
    "history",
    "neighbours",
    "question",
    "candidate_text",
    "candidate_image",
    "evidence",
    "answer",
)


@pytest.fixture(scope="module")
def found(tiny: Tiny) -> Recommendations:
    return Recommendations.open(tiny.run, "mmsrarec")


def shown(gistrec: Command, run: Path, user: str, *more: str) -> dict[str, Any]:
    pure = ["--system", "mmsrarec"]
    ended = gistrec.done("prompt", "--run", run, "--user", user, "--json", *pure, *more)
    prompt: dict[str, Any] = json.loads(ended.out)
    return prompt


def pictured_user(found: Recommendations, queries: Queries) -> tuple[str, int]:
    """A user asked about an item with an image, and that item's code."""
    features = found.recommender.features
    place = next(row for row, code in enumerate(queries.positives.tolist()) if code in features)
    return queries.histories.users[place], int(queries.positives[place])


def test_a_test_users_prompt_is_about_what_really_came_next(
    tiny: Tiny, gistrec: Command, found: Recommendations
) -> None:
    user, code = pictured_user(found, found.split.test)
    prompt = shown(gistrec, tiny.run, user)
    dataset = found.work.dataset
    assert prompt["item_id"] == dataset.item_ids[code]
    assert prompt["moment"] == "test question"
    assert (prompt["prompt_version"], prompt["backbone"]) == (PROMPT_VERSION, "embedded")
    assert f'[image of "{found.name(code)}": 4 tokens]' in prompt["text"]
    assert prompt["text"].count("does this product come next?") == 1
    shares = prompt["tokens"]
    assert shares["total"] == sum(shares[part] for part in PARTS) == len(prompt["ids"]) + 1
    assert shares["total"] + shares["reserved"] <= shares["limit"]
    history = found.split.test.histories
    assert prompt["known"] == int(history.lengths[history.users.to_list().index(user)])


def test_what_is_shown_is_what_was_scored(
    found: Recommendations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluation's own rows, 21 candidates each, against the prompts of the positives."""
    scored: list[Row] = []
    real = rank.score_rows

    def noted(
        backbone: Backbone, rows: Sequence[Row], features: ImageFeatures
    ) -> list[torch.Tensor]:
        scored.extend(rows)
        return real(backbone, rows, features)

    asked, item_ids = found.split.test, found.work.dataset.item_ids
    nearby = nearby_items(asked_neighbours(found.work.run / "collab"), item_ids)
    with monkeypatch.context() as patched:
        patched.setattr(rank, "score_rows", noted)
        scores = found.recommender.ranker(Known(nearby)).score(asked.histories, asked.candidates)
        evaluated = list(scored)
        assert len(evaluated) == len(asked)
        for place in range(5):
            scored.clear()
            prompt = shown_prompt(found, asked.histories.users[place])
            (row,) = scored
            assert prompt.ids == (row.prefix + row.branches[0]).ids
            assert row.prefix == evaluated[place].prefix
            assert row.branches[0] == evaluated[place].branches[0]
            chance = 1 / (1 + torch.tensor(-scores[place, 0]).exp().item())
            assert prompt.probability == pytest.approx(chance, abs=1e-5)


def test_evidence_stands_in_the_prompt_and_is_counted(tiny: Tiny, gistrec: Command) -> None:
    found = Recommendations.open(tiny.run, "mmsrarec+evidence")
    user, code = pictured_user(found, found.split.test)
    prompt = shown(gistrec, tiny.run, user, "--system", "mmsrarec+evidence")
    assert found.told is not None
    histories = found.split.test.histories
    row = histories.users.to_list().index(user)
    ((line,),) = found.told.of_asked(histories.take([row]), [[code]])
    assert line.startswith("shared ")
    assert line in prompt["text"]
    assert prompt["tokens"]["evidence"] == len(found.recommender.backbone.text_ids(line))
    assert prompt["tokens"]["total"] == len(prompt["ids"]) + 1
    pure = shown(gistrec, tiny.run, user)
    assert pure["tokens"]["evidence"] == 0
    assert line not in pure["text"]


def test_the_text_is_decoded_from_the_ids(found: Recommendations) -> None:
    user, code = pictured_user(found, found.split.test)
    prompt = shown_prompt(found, user)
    backbone = found.recommender.backbone
    image = backbone.family.image_token_id
    named = f'[image of "{found.name(code)}": {prompt.ids.count(image)} tokens]'
    mark = backbone.family.image_token * prompt.ids.count(image)
    decoded = backbone.processor.tokenizer.decode(list(prompt.ids))
    assert prompt.text == decoded.replace(mark, named)


def test_without_a_question_it_is_the_top_recommendation(
    tiny: Tiny, gistrec: Command, found: Recommendations
) -> None:
    user = found.split.train.users[0]
    prompt = shown(gistrec, tiny.run, user)
    best = found.recommend(user, 1).items[0]
    assert prompt["moment"] == "all that is known"
    assert prompt["item_id"] == best.item_id
    assert prompt["probability"] == pytest.approx(best.probability, abs=1e-5)


def test_a_candidate_can_be_named(tiny: Tiny, gistrec: Command, found: Recommendations) -> None:
    user = found.split.test.histories.users[0]
    usual, named = (
        shown(gistrec, tiny.run, user),
        shown(gistrec, tiny.run, user, "--candidate", "i007"),
    )
    assert named["item_id"] == "i007"
    shared = usual["text"].partition("come next?")[0]
    assert named["text"].partition("come next?")[0] == shared
    assert named["text"] != usual["text"]


def test_a_person_reads_the_prompt_and_a_table(
    tiny: Tiny, gistrec: Command, found: Recommendations
) -> None:
    user = found.split.test.histories.users[0]
    ended = gistrec.done("prompt", "--run", tiny.run, "--user", user, "--system", "mmsrarec")
    assert shown_prompt(found, user).text in ended.out
    for part in ("frame", "neighbours", "candidate image", "total", "limit"):
        assert f" {part} " in ended.out
    assert f"prompts of version {PROMPT_VERSION}, backbone embedded" in ended.out


def test_a_short_budget_is_kept_counted_and_told(
    tiny: Tiny, gistrec: Command, found: Recommendations, tmp_path: Path
) -> None:
    budget = found.recommender.prompter.budget
    limit = budget.least + 15
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    short = (
        *("--set", f"recommender.max_prompt_tokens={limit}", "--set", "evidence.kinds=[]"),
        *("--set", "recommender.max_gist_tokens=4"),
    )
    ended = gistrec.done(*tiny.command(run, *short))
    facts = {
        stage: json.loads((run / stage / "manifest.json").read_bytes())["facts"]
        for stage in ("recommender", "evaluation-mmsrarec")
    }
    assert facts["recommender"]["prompts"] == 2 * 48  # windows an epoch
    split = found.split
    assert split.cold is not None
    assert facts["evaluation-mmsrarec"]["prompts"] == 2 * (len(split.test) + len(split.cold))
    for counted in facts.values():
        assert counted["longest_prompt"] <= limit
        assert 0 < counted["history_cut_prompts"] <= counted["history_entries_cut"]
    for stage, counted in facts.items():
        line = (
            f"{stage}: {counted['history_cut_prompts']} of {counted['prompts']} prompts show less"
        )
        assert line in ended.err
    assert ended.err.count("cut at recommender.max_gist_tokens") == 1
    whole = json.loads((tiny.run / "recommender" / "manifest.json").read_bytes())["facts"]
    assert whole["history_entries_cut"] == whole["neighbours_cut"] == 0
    assert limit < whole["longest_prompt"]

    cut = [shown(gistrec, run, user)["tokens"] for user in split.test.histories.users[:6].to_list()]
    assert all(shares["total"] + shares["reserved"] <= limit for shares in cut)
    assert any(shares["history_entries_cut"] for shares in cut)


def test_what_is_unknown_is_one_clear_message(tiny: Tiny, gistrec: Command, tmp_path: Path) -> None:
    for asked, said in (
        (["--run", tiny.run, "--user", "nobody"], "user 'nobody' is not in"),
        (["--run", tiny.run, "--user", "u001", "--candidate", "x"], "item 'x' is not in"),
        (["--run", tmp_path, "--user", "u001"], "is no run"),
    ):
        ended = gistrec("prompt", *asked)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.count("\n") == 1
        assert said in ended.err


def test_a_run_without_a_recommender_has_no_prompts(
    tiny: Tiny, gistrec: Command, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny.run, tmp_path / "run"))
    shutil.rmtree(run / "recommender")
    ended = gistrec("prompt", "--run", run, "--system", "mmsrarec", "--user", "u001")
    assert ended.code == 1
    assert "stage 'recommender' is not finished" in ended.err
    settings = (run / "config.yaml").read_text(encoding="utf-8")
    alone = settings.replace("recommends: true", "recommends: false")
    assert alone != settings
    (run / "config.yaml").write_text(alone, encoding="utf-8")
    refused = gistrec("prompt", "--run", run, "--user", "u001")
    assert refused.code == 1
    assert "baselines only" in refused.err


def test_users_of_the_split_are_asked_where_it_asks_them(
    tiny: Tiny, gistrec: Command, found: Recommendations
) -> None:
    user = found.split.valid.histories.users[0]
    assert user not in pl.read_parquet(tiny.run / "split" / "test.parquet")["user_id"]
    assert shown(gistrec, tiny.run, user)["moment"] == "validation question"


def test_the_model_behind_a_fusion_is_named_as_such(tiny: Tiny, gistrec: Command) -> None:
    asked = ["prompt", "--run", tiny.run, "--user", "u001"]
    assert "by mmsrarec+evidence, the model behind mmsrarec+fusion" in " ".join(
        gistrec.done(*asked).out.split()
    )
    assert "behind" not in gistrec.done(*asked, "--system", "mmsrarec+evidence").out
