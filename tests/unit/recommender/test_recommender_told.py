"""A line of evidence stands behind its candidate, in training, in ranking and on a server alike."""

from collections.abc import Sequence

import numpy as np
import pytest
from recommender_cases import GISTS, N_ITEMS, NOUNS, fickle, pictured, prompter

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.sequences import Sequences
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Tokens
from gistrec.recommender.known import Known
from gistrec.recommender.profile import Profile
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.rank import MllmRanker

LINE = "order top 3, popular rest\n"


def test_the_line_stands_between_the_candidate_and_the_answer(tiny_backbone: Backbone) -> None:
    asks = prompter(tiny_backbone, RecommenderConfig(), pictured())
    bare, told = (
        asks.row(Profile([1, 2], [3]), [7, 8]),
        asks.row(Profile([1, 2], [3]), [7, 8], [LINE, LINE]),
    )
    assert told.prefix == bare.prefix
    after = len(tiny_backbone.after)
    for without, branch in zip(bare.branches, told.branches, strict=True):
        line = Tokens(tiny_backbone.text_ids(LINE)) + Tokens(tiny_backbone.after)
        assert branch == Tokens(without.ids[:-after], without.images) + line
    segments = asks.segments(Profile([1, 2], [3]), 7, LINE)
    question = tiny_backbone.question(segments, pictured().grid)
    assert question == told.prefix + told.branches[0]


def test_the_ranker_tells_each_candidate_its_own_line(tiny_backbone: Backbone) -> None:
    asks = prompter(tiny_backbone, RecommenderConfig(), pictured())

    def tell(histories: Sequences, asked: Sequence[Sequence[int]]) -> list[list[str]]:
        pairs = zip(histories.users, asked, strict=True)
        return [[f"order: {user} {code}\n" for code in codes] for user, codes in pairs]

    ranker = MllmRanker("tiny", tiny_backbone, asks, pictured(), Known({}, tell=tell), N_ITEMS)
    histories = fickle(2, 0)
    rows = ranker.rows(histories, [[4], [5, 6]])
    lines = [["order: u0 4\n"], ["order: u1 5\n", "order: u1 6\n"]]
    for row, history, codes, told in zip(rows, histories, [[4], [5, 6]], lines, strict=True):
        assert row == asks.row(Profile(history.tolist(), []), codes, told)
    plain = MllmRanker("tiny", tiny_backbone, asks, pictured(), Known({}), N_ITEMS)
    everything = np.tile(np.arange(N_ITEMS, dtype=np.int32), (2, 1))
    assert not np.allclose(ranker.score(histories, everything), plain.score(histories, everything))


def test_room_is_kept_for_the_longest_line(tiny_backbone: Backbone) -> None:
    titles = [f"item {code}" for code in range(N_ITEMS)]

    def limited(line: str, most: int) -> Prompter:
        config = RecommenderConfig(max_prompt_tokens=most)
        return Prompter(tiny_backbone, NOUNS, titles, GISTS, pictured(), config, line)

    bare = limited("", 400).budget
    told = limited(LINE, 400).budget
    assert told.candidate == bare.candidate + len(tiny_backbone.text_ids(LINE))
    least = bare.frame + bare.question + bare.candidate + bare.answer
    limited("", least)
    with pytest.raises(ConfigError, match="max_prompt_tokens"):
        limited(LINE, least)


def test_told_by_title_shows_no_gist(tiny_backbone: Backbone) -> None:
    asks = prompter(tiny_backbone, RecommenderConfig(told_by="title", candidate=("gist",)))
    shown = "".join(str(part) for part in asks.segments(Profile([1, 2], [3]), 7))
    assert [f"item {code}\n" in shown for code in (1, 2, 3, 7)] == [True] * 4
    assert not any(word in shown for word in GISTS)
