"""Whose a system is: the run's own, a baseline, or the oracle."""

from dataclasses import dataclass
from typing import Literal

from gistrec.evaluation.report.svg import BASELINE, OWN
from gistrec.evaluation.report.svg import ORACLE as ORACLE_COLOUR
from gistrec.evaluation.table import ORACLE

Kind = Literal["own", "baseline", "oracle"]
COLOURS: dict[Kind, str] = {"own": OWN, "baseline": BASELINE, "oracle": ORACLE_COLOUR}


@dataclass(frozen=True)
class Entrants:
    """The systems of a report.

    Attributes:
        own: names of those in which a model recommends; measured on a server they are these too.
    """

    own: tuple[str, ...]

    def kind(self, system: str) -> Kind:
        """Whose ``system`` is."""
        if system == ORACLE:
            return "oracle"
        return "own" if system.partition("@")[0] in self.own else "baseline"
