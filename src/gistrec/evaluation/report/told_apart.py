"""Which systems are better than the best baseline, in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.pairs import Pair, all_pairs
from gistrec.evaluation.report.board import HEADLINE, level
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.row import Row


@dataclass(frozen=True)
class ToldApart:
    """Systems held against the best baseline on the same users.

    Attributes:
        protocol: by which they are measured.
        baseline: the best of its kind.
        own: a sentence for each of the run's own systems, the best first.
        others: a sentence for each other baseline.
    """

    protocol: str
    baseline: str
    own: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class EveryPair:
    """All pairs of systems by one protocol, corrected for how many they are."""

    protocol: str
    pairs: tuple[Pair, ...]


def told_apart(
    systems: Sequence[Contestant], rows: Sequence[Row], entrants: Entrants
) -> ToldApart | None:
    """Compare every system with the best baseline; None where there is nothing to compare.

    Args:
        systems: of one protocol.
        rows: of the same protocol, for who is best.
        entrants: whose they are.

    Raises:
        RunError: the systems were not asked the same questions.
    """
    levels = {row.system: level(row) for row in rows}
    rivals = [one for one in systems if entrants.kind(one.name) != "oracle" and one.name in levels]
    best = best_baseline([one.name for one in rivals], levels, entrants)
    if best is None or len(rivals) < 2:
        return None
    return against(best, all_pairs(rivals, HEADLINE, against=best), rows, entrants)


def every_pair(systems: Sequence[Contestant], entrants: Entrants) -> list[Pair]:
    """Every pair of systems but the oracle, by the headline metric; none where there is one.

    Raises:
        RunError: the systems were not asked the same questions.
    """
    rivals = [one for one in systems if entrants.kind(one.name) != "oracle"]
    return all_pairs(rivals, HEADLINE) if len(rivals) > 1 else []


def best_baseline(
    names: Sequence[str], levels: Mapping[str, float], entrants: Entrants
) -> str | None:
    """The baseline of ``names`` that stands highest; None where there is none."""
    baselines = [name for name in names if entrants.kind(name) == "baseline"]
    return max(baselines, key=levels.__getitem__, default=None)


def against(best: str, pairs: Sequence[Pair], rows: Sequence[Row], entrants: Entrants) -> ToldApart:
    """The pairs that hold ``best``, in sentences, the better system first; ``rows`` say who is."""
    levels = {row.system: level(row) for row in rows}
    pairs = [pair for pair in pairs if best in (pair.better, pair.worse)]
    pairs.sort(key=lambda pair: -levels[_other(pair, best)])
    own = [pair for pair in pairs if entrants.kind(_other(pair, best)) == "own"]
    others = [pair for pair in pairs if pair not in own]
    return ToldApart(
        rows[0].protocol,
        best,
        tuple(pair.told() for pair in own),
        tuple(pair.told() for pair in others),
    )


def _other(pair: Pair, system: str) -> str:
    return pair.worse if pair.better == system else pair.better
