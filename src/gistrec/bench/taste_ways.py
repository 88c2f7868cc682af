"""The parts that a recommendation by taste is made of, and the ways to do each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from gistrec.bench.causal import score_separately
from gistrec.bench.published import score_as_published
from gistrec.bench.tastes import Histories, tell_tastes
from gistrec.bench.workload import Workload
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import score_rows

Part = Literal[
    "tastes", "last tastes", "tastes alone", "packed", "packed gists", "one-by-one", "published"
]


@dataclass(frozen=True)
class PartWay:
    """A way to do one part.

    Attributes:
        run: does it for so many users.
        users: see ``run``.
        calls: questions that the model answers for each user; candidates behind one prefix are
            one question.
        ours: done by gistrec's kernel of attention.
    """

    run: Callable[[], object]
    users: int
    calls: int
    ours: bool = True


def part_ways(
    backbone: Backbone,
    histories: Histories,
    by_taste: Workload,
    by_gists: Workload,
    answer_tokens: int,
) -> Mapping[Part, PartWay]:
    """Every part in every way.

    Args:
        backbone: who is asked.
        histories: that tastes are told from.
        by_taste: candidates behind a taste.
        by_gists: the same number of candidates behind gists of the history and of neighbours.
        answer_tokens: that the published way generates for a candidate.
    """
    shape = histories.shape
    count, everyone = shape.users, range(shape.users)
    candidates = len(by_taste.row.branches)
    tell = partial(tell_tastes, backbone, histories)
    rows, gist_rows = [by_taste.row] * count, [by_gists.row] * count
    prompts, shown = by_taste.prompts, by_taste.prepared
    return {
        "tastes": PartWay(lambda: tell(everyone), count, shape.steps),
        "last tastes": PartWay(lambda: tell(everyone, shape.steps - 1), count, 1),
        "tastes alone": PartWay(lambda: tell(everyone[:1]), 1, shape.steps),
        "packed": PartWay(lambda: score_rows(backbone, rows, by_taste.features), count, 1),
        "packed gists": PartWay(
            lambda: score_rows(backbone, gist_rows, by_gists.features), count, 1
        ),
        "one-by-one": PartWay(
            lambda: score_separately(backbone, prompts, by_taste.features, 1),
            1,
            candidates,
            ours=False,
        ),
        "published": PartWay(
            lambda: score_as_published(backbone, prompts, shown, answer_tokens, batch=1),
            1,
            candidates,
            ours=False,
        ),
    }
