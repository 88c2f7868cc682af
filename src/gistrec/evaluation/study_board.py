"""What a study came to: a board for each dataset and protocol, over the questions of all seeds."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel, ConfigDict

from gistrec.config.baselines import BaselineName
from gistrec.config.evaluation import Protocol
from gistrec.errors import RunError
from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.pairs import Pair, all_pairs
from gistrec.evaluation.row import Row
from gistrec.evaluation.table import ORACLE

HEADLINE = "NDCG@5"
_BASELINES = get_args(BaselineName)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyLine(_Part):
    """A system on a board.

    Attributes:
        row: over the questions of all its seeds; its seconds are the mean of a run, its system is
            the study's name for it.
        seeds: of the study, under which it is finished.
        by_seed: every metric under each of them.
    """

    row: Row
    seeds: tuple[int, ...]
    by_seed: dict[str, tuple[float, ...]]


class StudyFailure(_Part):
    """A run that failed, and why."""

    system: str
    seed: int
    message: str


class StudyBoard(_Part):
    """All systems on a dataset by one protocol.

    Attributes:
        title: the dataset and the protocol, and what else tells the board apart.
        lines: oracle on top, then by the headline metric.
        failed: runs on the dataset.
        pairs: every two systems that were asked the same questions, by the headline metric.
        told: who wins against whom, in sentences.
        notes: what was not compared, and why.
    """

    dataset: str
    protocol: Protocol
    title: str
    lines: tuple[StudyLine, ...]
    failed: tuple[StudyFailure, ...]
    pairs: tuple[Pair, ...]
    told: tuple[str, ...]
    notes: tuple[str, ...]


def level(row: Row) -> float:
    """What systems are ordered by."""
    return row.metrics[HEADLINE].value if HEADLINE in row.metrics else 0.0


def in_order(lines: Sequence[StudyLine]) -> list[StudyLine]:
    """Oracle on top, then the best first."""
    return sorted(
        lines, key=lambda line: (line.row.system != ORACLE, -level(line.row), line.row.system)
    )


def compared(
    systems: Sequence[tuple[Contestant, tuple[int, ...]]],
) -> tuple[list[Pair], list[str]]:
    """Every pair of systems that have the seeds that most have, and a note on each other one.

    The oracle knows the answers, and is held against nobody.

    Args:
        systems: of one board, each with its seeds.
    """
    rivals = [(one, seeds) for one, seeds in systems if one.name != ORACLE]
    counted = Counter(seeds for _, seeds in rivals)
    if not counted:
        return [], []
    most = max(counted, key=lambda seeds: (counted[seeds], len(seeds)))
    same = [one for one, seeds in rivals if seeds == most]
    notes = [
        f"{one.name} is not compared: it has seeds {_listed(seeds)}, most have {_listed(most)}"
        for one, seeds in rivals
        if seeds != most
    ]
    if len(same) < 2:
        return [], notes
    try:
        return all_pairs(same, HEADLINE), notes
    except RunError as error:
        return [], [*notes, f"nothing is compared: {error}"]


def told_of_best(lines: Sequence[StudyLine], pairs: Sequence[Pair]) -> list[str]:
    """The best system held against the next one, and against every baseline, in sentences."""
    in_pairs = {name for pair in pairs for name in (pair.better, pair.worse)}
    names = [line.row.system for line in lines if line.row.system in in_pairs]
    if not names:
        return []
    best, *others = names
    by_names = {frozenset((pair.better, pair.worse)): pair for pair in pairs}
    held = [others[0], *(name for name in others[1:] if name in _BASELINES)]
    return [by_names[frozenset((best, name))].told() for name in held]


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
