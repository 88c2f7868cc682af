"""Which systems are better than the best baseline, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.pairs import Pair, all_pairs
from gistrec.evaluation.report.board import HEADLINE, level
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.row import Row

# Few, for a page within seconds; `gistrec compare` draws ten times as many.
_RESAMPLES = 1000


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
    baselines = [one.name for one in rivals if entrants.kind(one.name) == "baseline"]
    if not baselines or len(rivals) < 2:
        return None
    best = max(baselines, key=levels.__getitem__)
    pairs = all_pairs(rivals, HEADLINE, _RESAMPLES, against=best)
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
