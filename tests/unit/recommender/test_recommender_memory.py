"""Scores that were given are not asked for again, in this process or in the next."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from recommender_cases import N_ITEMS, fickle, pictured, prompter

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.recommender.known import Known
from gistrec.recommender.memory import ScoreMemory
from gistrec.recommender.rank import MllmRanker

HISTORIES = fickle(3, 0)
LISTS = [[1, 2, 3], [4], [5, 6]]
SCORES = [np.array(row, dtype=np.float32) for row in ([0.5, -1, 2], [7], [0, 0.25])]


class Counting(MllmRanker):
    """Notes which candidates the model is asked about."""

    def _score_lists(
        self, histories: Sequences, asked: Sequence[Sequence[int]]
    ) -> list[npt.NDArray[np.float32]]:
        self.asked = [list(codes) for codes in asked]
        return super()._score_lists(histories, asked)


def counting(backbone: Backbone, memory: ScoreMemory | None = None) -> Counting:
    features = pictured()
    asks = prompter(backbone, RecommenderConfig(), features)
    return Counting("tiny", backbone, asks, features, Known({}), N_ITEMS, memory)


def test_what_is_kept_comes_back_from_a_file_by_user_moment_and_item(tmp_path: Path) -> None:
    memory = ScoreMemory()
    memory.add(HISTORIES, LISTS, SCORES)
    memory.write(tmp_path / "scores.parquet")
    read = ScoreMemory.read(tmp_path / "scores.parquet", tmp_path / "none.parquet")
    turned = [codes[::-1] for codes in LISTS]
    for found, scores in zip(read.scores(HISTORIES, turned), SCORES, strict=True):
        np.testing.assert_array_equal(found, scores[::-1])
    shorter = HISTORIES.prefixes([0, 1, 2], [4, 4, 4])
    assert read.missing(shorter, LISTS) == LISTS  # another moment is another prompt
    assert read.missing(HISTORIES, [[1, 9, 9], [4], []]) == [[9], [], []]


def test_only_new_candidates_are_asked_about(tiny_backbone: Backbone) -> None:
    ranker = counting(tiny_backbone)
    first = ranker.score_lists(HISTORIES, LISTS)
    assert ranker.asked == LISTS
    more = ranker.score_lists(HISTORIES, [[3, 8, 1], [4], [6]])
    assert ranker.asked == [[8]]
    np.testing.assert_array_equal(more[0][[2, 0]], first[0][[0, 2]])
    fresh = counting(tiny_backbone).score_lists(HISTORIES, [[3, 8, 1], [4], [6]])
    for one, other in zip(more, fresh, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_memory_of_an_earlier_process_spares_the_model(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    earlier = counting(tiny_backbone)
    scores = earlier.score_lists(HISTORIES, LISTS)
    earlier.memory.write(tmp_path / "scores.parquet")
    later = counting(tiny_backbone, ScoreMemory.read(tmp_path / "scores.parquet"))
    for one, other in zip(later.score_lists(HISTORIES, LISTS), scores, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not hasattr(later, "asked")
