"""A finished run's recommender scored on a server, and how far that agrees with its own ranks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gistrec.config.engine import EngineConfig
from gistrec.config.evaluation import Protocol
from gistrec.errors import RunError
from gistrec.evaluation.agreement import Agreement, agreement
from gistrec.evaluation.leaderboard import add_rows
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.row import Row
from gistrec.pipeline.lock import locked_run
from gistrec.pipeline.manifest import Manifest, read_manifest, stage_fingerprint
from gistrec.pipeline.recommend import Recommendations
from gistrec.pipeline.run import open_run
from gistrec.pipeline.served import served_rows, served_stage, served_system
from gistrec.pipeline.workplace import Workplace


@dataclass(frozen=True)
class Comparison:
    """The run's own ranks and the server's under one protocol.

    Attributes:
        agreement: of the two.
        local_protocols: what the run's own evaluation ranked.
        local_seconds: what that took, the model's loading included.
        served_seconds: what the server's took, the start check included.
        read_otherwise: prompts in which the server counted other tokens than there are here.
    """

    protocol: str
    agreement: Agreement
    local_protocols: tuple[str, ...]
    local_seconds: float
    served_seconds: float
    read_otherwise: int

    def told(self) -> list[str]:
        """Lines for a person."""
        questions, equal, mean, largest = self.agreement
        also = ", ".join(self.local_protocols)
        lines = [
            f"{self.protocol}: of {questions} scored positives {equal} have the same rank on both; "
            f"gap {mean:.3g} places on average, {largest:g} at most",
            f"{self.protocol}: server {self.served_seconds:.1f} s; this process "
            f"{self.local_seconds:.1f} s for {also}",
        ]
        if self.read_otherwise:
            lines.append(
                f"{self.protocol}: in {self.read_otherwise} prompts the server read other tokens "
                "than there are here: does it cut or shrink images otherwise?"
            )
        return lines


def evaluate_on_server(
    run: Path, engine: EngineConfig, protocols: Sequence[str]
) -> tuple[list[Row], list[Comparison]]:
    """Score a run's questions on a server that serves its fine-tuned model.

    The ranks stand under a name of their own, ``<system>@server``. What was answered is kept where
    the server goes away, and the same call goes on from there.

    Args:
        run: a finished run.
        engine: the server, and which of its models.
        protocols: of those that the run was measured by.

    Returns:
        The run's whole leaderboard, and a comparison a protocol.

    Raises:
        RunError: the run is unfinished, or was not measured by a protocol.
        EngineError: the server does not answer, or scores otherwise than the model here.
    """
    work, _ = open_run(run)
    found = Recommendations.open(run, work.config.name)
    work, split = found.work, found.split
    own = _own_evaluation(work)
    asked = work.config.evaluation.protocols
    for protocol in protocols:
        if protocol not in asked:
            raise RunError(f"{run} was not measured by {protocol!r}; it was by {', '.join(asked)}")
    with locked_run(run):
        made = {
            protocol: served_stage(work, split, cast(Protocol, protocol), engine, found.recommender)
            for protocol in dict.fromkeys(protocols)
        }
        rows = add_rows(served_rows(work, split), run)
    return rows, [_compared(work, protocol, served, own) for protocol, served in made.items()]


def _own_evaluation(work: Workplace) -> Manifest:
    """Of the recommender as it stands.

    Raises:
        RunError: it was made again since, and not yet measured.
    """
    own = read_manifest(work.run / f"evaluation-{work.config.name}")
    if own.inputs["recommender"] != stage_fingerprint(work.run / "recommender"):
        raise RunError(
            f"{work.run} is not measured as it stands: give the `gistrec run` command again"
        )
    return own


def _compared(work: Workplace, protocol: str, served: Manifest, own: Manifest) -> Comparison:
    systems = (work.config.name, served_system(work))
    here, there = (load_ranks(work.run, system, protocol) for system in systems)
    return Comparison(
        protocol,
        agreement(here, there),
        work.config.evaluation.protocols,
        own.seconds,
        served.seconds,
        cast(int, served.facts["read_otherwise"]),
    )
