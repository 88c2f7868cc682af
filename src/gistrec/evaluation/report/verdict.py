"""Who wins, by how much and how surely, in words."""

from collections.abc import Sequence

from gistrec.counted import counted
from gistrec.evaluation.pairs import Pair
from gistrec.evaluation.pairs_table import p_told
from gistrec.evaluation.report.board import HEADLINE, level, number
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.report.glance import Glance
from gistrec.evaluation.report.told_apart import best_baseline
from gistrec.evaluation.row import Row


def verdict(rows: Sequence[Row], pairs: Sequence[Pair], entrants: Entrants) -> Glance | None:
    """The winner by one protocol against the next, and against the best of the other kind.

    Args:
        rows: of one protocol, of systems that stand under the same seeds.
        pairs: all pairs of these systems; none where they could not be compared.
        entrants: whose the systems are.

    Returns:
        None where no system reached anything.
    """
    rivals = [row for row in rows if entrants.kind(row.system) != "oracle" and level(row)]
    if not rivals:
        return None
    ordered = sorted(rivals, key=level, reverse=True)
    first, levels = ordered[0], {row.system: level(row) for row in ordered}
    metric = first.metrics[HEADLINE]
    told = [
        f"{first.system} stands first, 95% interval {number(metric.low)} to {number(metric.high)}."
    ]
    told += [
        f"That is {metric.value / level(row):.0%} of the best that can be reached."
        for row in rows
        if entrants.kind(row.system) == "oracle" and level(row)
    ]
    baseline = best_baseline(list(levels), levels, entrants)
    own = next((row.system for row in ordered if entrants.kind(row.system) == "own"), None)
    others = [row.system for row in ordered[1:2]]
    others += [name for name in (baseline, own) if name is not None and name != first.system]
    told += [
        f"{pair.told()} (p {p_told(pair.p_holm)} by Holm over {counted(len(pairs), 'pair')})."
        for name in dict.fromkeys(others)
        for pair in pairs
        if {pair.better, pair.worse} == {first.system, name}
    ]
    mine = [pair for pair in pairs if pair.better == first.system]
    if len(mine) > 1:
        surely = sum(pair.told_apart for pair in mine)
        told.append(f"It is told apart from {surely or 'none'} of {len(mine)} others.")
    return Glance(first.protocol, number(metric.value), " ".join(told))
