"""What a run came to, at a glance: its best system by each protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from gistrec.evaluation.report.board import HEADLINE, level, number
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.report.told_apart import ToldApart
from gistrec.evaluation.row import Row


@dataclass(frozen=True)
class Glance:
    """The best of the run's systems by one protocol; of a run of baselines the best of these.

    Attributes:
        value: the headline metric.
        told: in sentences.
    """

    protocol: str
    value: str
    told: str


def glances(
    rows: Sequence[Row], compared: Sequence[ToldApart], entrants: Entrants
) -> tuple[Glance, ...]:
    """One for each protocol, in the order of ``rows``."""
    protocols = dict.fromkeys(row.protocol for row in rows)
    found = (
        _glance([row for row in rows if row.protocol == protocol], compared, entrants)
        for protocol in protocols
    )
    return tuple(glance for glance in found if glance is not None)


def _glance(
    rows: Sequence[Row], compared: Sequence[ToldApart], entrants: Entrants
) -> Glance | None:
    rivals = [row for row in rows if entrants.kind(row.system) != "oracle" and level(row)]
    own = [row for row in rivals if entrants.kind(row.system) == "own"] or rivals
    if not own:
        return None
    best = max(own, key=level)
    metric, protocol = best.metrics[HEADLINE], best.protocol
    told = [f"{best.system}, 95% interval {number(metric.low)} to {number(metric.high)}."]
    for oracle in rows:
        if entrants.kind(oracle.system) == "oracle" and level(oracle):
            share = metric.value / level(oracle)
            told.append(f"That is {share:.0%} of the best that can be reached.")
    told += [f"{one.own[0]}." for one in compared if one.protocol == protocol and one.own]
    return Glance(protocol, number(metric.value), " ".join(told))
