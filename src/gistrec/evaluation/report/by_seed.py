"""Each seed's own figures: how far what was trained lies apart, beside the means over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gistrec.evaluation.report.board import HEADLINE, number
from gistrec.evaluation.row import Row


@dataclass(frozen=True)
class BySeed:
    """The headline metric of every system under every seed, by one protocol.

    Attributes:
        lines: a system, and its figure under each of ``seeds``; "" where it has none.
    """

    protocol: str
    seeds: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...]], ...]


def by_seed(rows: Mapping[str, Sequence[Row]], ordered: Sequence[Row]) -> tuple[BySeed, ...]:
    """A table for each protocol; none where there is one seed.

    Args:
        rows: of each seed.
        ordered: the rows over all seeds, in whose order systems stand.
    """
    if len(rows) < 2:
        return ()
    found = {
        (seed, row.protocol, row.system): row.metrics[HEADLINE].value
        for seed, of_seed in rows.items()
        for row in of_seed
        if HEADLINE in row.metrics
    }
    return tuple(
        BySeed(
            protocol,
            tuple(rows),
            tuple(
                (name, tuple(_told(found.get((seed, protocol, name))) for seed in rows))
                for name in dict.fromkeys(r.system for r in ordered if r.protocol == protocol)
            ),
        )
        for protocol in dict.fromkeys(row.protocol for row in ordered)
    )


def _told(value: float | None) -> str:
    return "" if value is None else number(value)
