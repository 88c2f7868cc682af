"""Ranks of a system, its variants and its rivals, in run folders, as rows that compare them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.variants import ABLATION, FULL, Variant
from gistrec.evaluation.ablations import AblationRow, Measured
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.row import Row
from gistrec.progress import track

SYSTEMS = "systems"  # the group of all systems of the run, where there are several seeds


@dataclass(frozen=True)
class Subject:
    """What one row is about.

    Attributes:
        variant: what is changed.
        system: how leaderboards call what is measured.
        folders: where it is measured, one run a seed.
        same: it is the full system itself.
    """

    variant: Variant
    system: str
    folders: tuple[Path, ...]
    same: bool

    def measured(self, protocol: str) -> Measured:
        """Its ranks under each seed."""
        return Measured([load_ranks(folder, self.system, protocol) for folder in self.folders])

    def lines(self, protocol: str) -> list[Row]:
        """Its lines of the leaderboards."""
        return [
            row
            for folder in self.folders
            for row in load_leaderboard(folder)
            if (row.system, row.protocol) == (self.system, protocol)
        ]


def the_full(system: str, folders: Sequence[Path]) -> Subject:
    """The system as it is configured."""
    return Subject(Variant(FULL, ABLATION, "", ()), system, tuple(folders), True)


def systems_of(full: Subject) -> list[Subject]:
    """Every system of the runs that the full system is of, itself first."""
    names = dict.fromkeys(row.system for row in load_leaderboard(full.folders[0]))
    ordered = sorted(names, key=lambda name: name != full.system)
    return [
        Subject(
            Variant(FULL if name == full.system else name, SYSTEMS, "", ()),
            name,
            full.folders,
            name == full.system,
        )
        for name in ordered
    ]


def ablation_rows(
    subjects: Sequence[Subject],
    full: Subject,
    config: EvaluationConfig,
    seeds: Sequence[int] | None,
) -> list[AblationRow]:
    """One row a subject and protocol; ``seeds`` are those of the folders, where there are many."""
    rows = []
    for subject in track(subjects, "comparing variants"):
        rows += list(_rows(subject, full, config, seeds))
    return rows


def _rows(
    subject: Subject, full: Subject, config: EvaluationConfig, seeds: Sequence[int] | None
) -> Iterator[AblationRow]:
    board = load_leaderboard(subject.folders[0])
    for protocol in (row.protocol for row in board if row.system == subject.system):
        measured, lines = subject.measured(protocol), subject.lines(protocol)
        itself = subject.variant.name == FULL or not full.lines(protocol)
        yield AblationRow(
            variant=subject.variant.name,
            group=subject.variant.group,
            value=subject.variant.value,
            system=subject.system,
            protocol=protocol,
            overrides=subject.variant.overrides,
            same_as_full=subject.same,
            seeds=lines[0].seeds if seeds is None else tuple(seeds),
            seconds=round(sum(line.seconds or 0.0 for line in lines), 1),
            n_users=measured.n_users(),
            metrics=measured.metrics(config),
            difference={} if itself else measured.less(full.measured(protocol), config),
            by_seed=measured.by_seed(),
        )
