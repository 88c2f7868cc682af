"""Training asks as ranking does, and what prompts leave out is counted as it was shown."""

from collections.abc import Callable

import numpy as np
import pytest
from recommender_cases import N_ITEMS, faithful, noted_rows, pictured, prompter

from gistrec.config.recommender import RecommenderConfig
from gistrec.config.tasks import TasksConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Cuts
from gistrec.recommender.known import Known
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.rank import MllmRanker
from gistrec.recommender.train import fine_tune, training_cuts
from gistrec.recommender.training_set import TrainingSet
from gistrec.recommender.windows import draw_windows

ROWS_ALONE = TasksConfig(choice=0, next_gist=0, alignment=0)
CONFIG = RecommenderConfig(history=4, negatives=3, epochs=1, tasks=ROWS_ALONE)


def limited(backbone: Backbone, room: int | None) -> Prompter:
    """With room for so many tokens of entries."""
    asks = prompter(backbone, CONFIG, pictured())
    if room is None:
        return asks
    limit = {"max_prompt_tokens": asks.budget.least + room}
    return prompter(backbone, CONFIG.model_copy(update=limit), pictured())


@pytest.mark.parametrize("room", [None, 12])
def test_ids_in_training_are_those_in_ranking(
    room: int | None, fresh_backbone: Callable[[], Backbone], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In training a positive stands beside negatives, in ranking here alone."""
    log, backbone = faithful(4, 1), fresh_backbone()
    nearby = {(f"u{user}", moment): [user, moment] for user in range(4) for moment in (2, 4)}
    asks = limited(backbone, room)
    data = TrainingSet(log, lambda epoch: draw_windows(log, None, epoch), nearby)
    ranker = MllmRanker("tiny", backbone, asks, pictured(), Known(nearby), N_ITEMS)
    known = [log.prefixes([user], [moment]) for user in range(4) for moment in range(1, 5)]
    with monkeypatch.context() as patched:
        noted = noted_rows(patched)
        fine_tune(backbone, asks, pictured(), data, CONFIG, None, None, "")
        trained = {one.history: one.row for one in noted}
        noted.clear()
        for history in known:
            following = log[int(history.users[0][1:])][history.lengths[0]]
            ranker.score(history, np.array([[following]], dtype=np.int32))
    asked = {one.history: one.row for one in noted}
    assert set(trained) == set(asked)
    for history, row in trained.items():
        assert len(row.branches) == 1 + CONFIG.negatives
        assert row.prefix == asked[history].prefix
        assert row.branches[0] == asked[history].branches[0]

    cuts = training_cuts(asks, data, 1)
    assert bool(cuts) == (room is not None)
    assert cuts.prompts == len(trained) == 4 * 4
    longest = asks.budget.candidate + len(backbone.after) + 1
    assert cuts.longest_prompt == longest + max(len(row.prefix.ids) for row in trained.values())
    ranked = [ranker.cuts(history) for history in known]
    assert sum(one.history_entries_cut for one in ranked) == cuts.history_entries_cut
    assert sum(one.neighbours_cut for one in ranked) == cuts.neighbours_cut


def test_a_window_counts_in_each_epoch_that_shows_it(tiny_backbone: Backbone) -> None:
    """Each user's moments 1 to 4; there is room for the latest entry and the one before it."""
    log, whole = faithful(6, 1), prompter(tiny_backbone, CONFIG, pictured())
    sizes = {whole.entry_tokens([code]) for code in range(N_ITEMS)}
    assert len(sizes) == 1
    asks = limited(tiny_backbone, 2 * sizes.pop())
    everything = TrainingSet(log, lambda epoch: draw_windows(log, None, epoch), {})
    assert training_cuts(asks, everything, 3) == Cuts(
        prompts=3 * 6 * 4,
        history_cut_prompts=3 * 6 * 2,
        history_entries_cut=3 * 6 * (1 + 2),
        longest_prompt=asks.budget.limit or 0,
    )
    drawn = TrainingSet(log, lambda epoch: draw_windows(log, 5, epoch), {})
    moments = [draw_windows(log, 5, epoch).moments for epoch in range(3)]
    found = training_cuts(asks, drawn, 3)
    assert found.prompts == 3 * 5
    assert found.history_entries_cut == sum(np.maximum(part - 2, 0).sum() for part in moments)
