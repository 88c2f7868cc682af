"""The systems of a study on one dataset, each named once, with the runs that measured it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path

from gistrec.errors import RunError
from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.printed_systems import SETTING
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.row import Row
from gistrec.evaluation.study import StudyRecord, StudyRun
from gistrec.evaluation.table import ORACLE
from gistrec.pipeline.report.rows import entrants_of, over_seeds
from gistrec.progress import say


@dataclass(frozen=True)
class Seen:
    """A system in one run: its seed, the run's folder, and its rows there."""

    seed: int
    folder: Path
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Entry:
    """A system of a study.

    Attributes:
        name: as the study calls it.
        inside: as the leaderboards of its runs do.
        label: of the study's system whose runs these are.
        own: whether a model recommends in it.
        seen: one a seed, ascending.
    """

    name: str
    inside: str
    label: str
    own: bool
    seen: tuple[Seen, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Under which it was measured."""
        return tuple(one.seed for one in self.seen)

    @property
    def folders(self) -> list[Path]:
        """Of its runs, one a seed."""
        return [one.folder for one in self.seen]

    def rows(self) -> list[Row]:
        """A row over all seeds for each protocol that all of them have."""
        by = [{row.protocol: row for row in one.rows} for one in self.seen]
        shared = [name for name in by[0] if all(name in rows for rows in by)]
        return [
            over_seeds([rows[name] for rows in by], self.folders).model_copy(
                update={"system": self.name}
            )
            for name in shared
        ]

    def contestant(self, protocol: str) -> Contestant:
        """Its ranks by a protocol that all seeds have."""
        return Contestant(
            self.name,
            tuple(load_ranks(folder, self.inside, protocol) for folder in self.folders),
        )

    def split_of(self, seed: int) -> str | None:
        """The fingerprint of the split it was asked on; None where it was not."""
        return next((one.rows[0].split_fingerprint for one in self.seen if one.seed == seed), None)


def entries_of(record: StudyRecord, study: Path, dataset: str) -> list[Entry]:
    """Every system that finished runs measured on a dataset; equal ones of many runs stand once."""
    found: dict[str, Entry] = {}
    runs = [run for run in record.of("done") if run.dataset == dataset]
    for label in dict.fromkeys(run.system for run in runs):
        for entry in _of_label(label, study, [run for run in runs if run.system == label]):
            _add(found, entry)
    return list(found.values())


def arenas(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries in groups that were asked on the same splits; others are never shown together."""
    groups: list[list[Entry]] = []
    for entry in entries:
        group = next((g for g in groups if all(_same_split(entry, one) for one in g)), None)
        if group is None:
            groups.append([entry])
        else:
            group.append(entry)
    return groups


def _of_label(label: str, study: Path, runs: Sequence[StudyRun]) -> Iterator[Entry]:
    seen: dict[str, list[Seen]] = {}
    own: dict[str, None] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        folder = study / run.folder
        try:
            rows = load_leaderboard(folder)
        except RunError as error:
            say(f"report: {label}, seed {run.seed}: left out: {error}")
            continue
        own |= dict.fromkeys(entrants_of(folder, rows).own)
        for system in dict.fromkeys(row.system for row in rows):
            mine = tuple(row for row in rows if row.system == system)
            seen.setdefault(system, []).append(Seen(run.seed, folder, mine))
    # A run of one baseline is of the system that the label names.
    alone = [system for system in seen if system != ORACLE]
    bases = list(own) or (alone if len(alone) == 1 else [])
    base = min(bases, key=len, default=label.partition(SETTING)[0])
    for system, measured in seen.items():
        is_own = system.partition("@")[0] in own
        name = _named(label, base, system) if is_own or system == base else system
        yield Entry(name, system, label, is_own, tuple(measured))


def _named(label: str, base: str, system: str) -> str:
    """The name of a system of a run by the study's label of the run: what is added stays."""
    head, between, setting = label.partition(SETTING)
    added = system.removeprefix(base) if system.startswith(base) else f"+{system}"
    return f"{head}{added}{between}{setting}"


def _add(found: dict[str, Entry], entry: Entry) -> None:
    """Under its name, or where another has that, under one that says whose runs it is of."""
    there = found.get(entry.name)
    if there is None:
        found[entry.name] = entry
    elif _agree(there, entry):
        more = [one for one in entry.seen if one.seed not in there.seeds]
        seen = sorted((*there.seen, *more), key=lambda one: one.seed)
        found[entry.name] = replace(there, seen=tuple(seen))
    else:
        _, between, setting = entry.label.partition(SETTING)
        name = f"{entry.name}{between}{setting}" if between else f"{entry.name} ({entry.label})"
        if name != entry.name and name not in found:
            found[name] = replace(entry, name=name)


def _agree(one: Entry, other: Entry) -> bool:
    """Whether both came to the same under every seed that both have, whatever that took."""
    both = [(a, b) for a in one.seen for b in other.seen if a.seed == b.seed]
    return all(_same(a, b) for a, b in both)


def _same(one: Seen, other: Seen) -> bool:
    """Whether a split and all metrics agree; bounds of intervals may differ in their last digit."""
    a, b = _values(one), _values(other)
    both = a.keys() & b.keys()
    return bool(both) and all(isclose(a[key], b[key], abs_tol=1e-9) for key in both)


def _values(seen: Seen) -> dict[tuple[str, str, str], float]:
    return {
        (row.split_fingerprint, row.protocol, name): metric.value
        for row in seen.rows
        for name, metric in row.metrics.items()
    }


def _same_split(one: Entry, other: Entry) -> bool:
    prints = [(one.split_of(seed), other.split_of(seed)) for seed in one.seeds]
    return all(b is None or a == b for a, b in prints)
