"""What a study came to: a board for each dataset and protocol, over the questions of all seeds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import polars as pl
from pydantic import BaseModel, ConfigDict

from gistrec import schema
from gistrec.config.baselines import BaselineName
from gistrec.config.evaluation import EvaluationConfig, Protocol
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import RunError
from gistrec.evaluation.contestants import Contestant
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.pairs import Pair, all_pairs
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.row import Measured, Row, make_row
from gistrec.evaluation.study import StudyRecord, StudyRun
from gistrec.evaluation.table import ORACLE
from gistrec.progress import track

HEADLINE = "NDCG@5"
_RESAMPLES = 2000  # for every pair of every board; `gistrec compare` draws more
_BASELINES = get_args(BaselineName)
_PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


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
        lines: oracle on top, then by the headline metric.
        failed: runs on the dataset.
        pairs: every two systems that were asked the same questions, by the headline metric.
        told: who wins against whom, in sentences.
        notes: what was not compared, and why.
    """

    dataset: str
    protocol: Protocol
    lines: tuple[StudyLine, ...]
    failed: tuple[StudyFailure, ...]
    pairs: tuple[Pair, ...]
    told: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Entrant:
    """A system of a study under one protocol.

    Attributes:
        name: the study's for it.
        runs: one a seed.
        rows: of their leaderboards.
        folders: of the runs.
    """

    name: str
    runs: tuple[StudyRun, ...]
    rows: tuple[Row, ...]
    folders: tuple[Path, ...]

    @property
    def asked(self) -> tuple[tuple[int, str], ...]:
        """What decides which questions it was asked: seeds, and their splits."""
        seeds = (run.seed for run in self.runs)
        return tuple(sorted(zip(seeds, (r.split_fingerprint for r in self.rows), strict=True)))

    def ranks(self) -> tuple[pl.DataFrame, ...]:
        """One table a seed."""
        found = zip(self.folders, self.rows, strict=True)
        return tuple(load_ranks(folder, row.system, row.protocol) for folder, row in found)

    def contestant(self) -> Contestant:
        """Itself, to be compared."""
        return Contestant(self.name, self.ranks())


def study_boards(study: Path, record: StudyRecord) -> list[StudyBoard]:
    """Every board of a study, by dataset, the full catalogue first.

    Raises:
        RunError: a finished run has lost its leaderboard or its ranks.
    """
    parts = [
        (dataset.name, protocol, found)
        for dataset in record.datasets
        for protocol, found in _by_protocol(study, record, dataset.name)
    ]
    return [_board(record, *part) for part in track(parts, "measuring over seeds")]


def entrants(study: Path, record: StudyRecord, dataset: str, protocol: Protocol) -> list[Entrant]:
    """The systems that were measured by a protocol on a dataset, in the study's order.

    Raises:
        RunError: a finished run has lost its leaderboard.
    """
    return dict(_by_protocol(study, record, dataset)).get(protocol, [])


def _by_protocol(
    study: Path, record: StudyRecord, dataset: str
) -> Iterator[tuple[Protocol, list[Entrant]]]:
    """For each protocol, the full catalogue first, who was measured by it."""
    measured: dict[tuple[Protocol, str], list[tuple[StudyRun, Row]]] = {}
    for run in record.of("done"):
        if run.dataset != dataset:
            continue
        own = load_config(SystemConfig, file=study / run.folder / schema.CONFIG_FILE).name
        for row in load_leaderboard(study / run.folder):
            name = _name(row.system, own, run.system)
            found = measured.setdefault((row.protocol, name), [])
            if all(other.seed != run.seed for other, _ in found):  # each run has the oracle
                found.append((run, row))
    for protocol in _PROTOCOLS:
        there = [
            Entrant(
                name,
                tuple(run for run, _ in found),
                tuple(row for _, row in found),
                tuple(study / run.folder for run, _ in found),
            )
            for (by, name), found in measured.items()
            if by == protocol
        ]
        if there:
            yield protocol, there


def _name(system: str, own: str, label: str) -> str:
    """A run's name for a system as the study's: ``own`` is the run's, ``label`` the study's."""
    rest = system.removeprefix(own)
    return label + rest if system.startswith(own) and rest[:1] in ("", "+", "@") else system


def _board(
    record: StudyRecord, dataset: str, protocol: Protocol, found: Sequence[Entrant]
) -> StudyBoard:
    lines = [_line(entrant) for entrant in found]
    lines.sort(key=lambda line: (line.row.system != ORACLE, -level(line.row), line.row.system))
    pairs, notes = _pairs([one for one in found if one.name != ORACLE])
    return StudyBoard(
        dataset=dataset,
        protocol=protocol,
        lines=tuple(lines),
        failed=tuple(
            StudyFailure(system=run.system, seed=run.seed, message=run.message or "")
            for run in record.of("failed")
            if run.dataset == dataset
        ),
        pairs=tuple(pairs),
        told=tuple(_told([line.row for line in lines], pairs)),
        notes=tuple(notes),
    )


def level(row: Row) -> float:
    """What systems are ordered by."""
    return row.metrics[HEADLINE].value if HEADLINE in row.metrics else 0.0


def _line(entrant: Entrant) -> StudyLine:
    rows = entrant.rows
    names = [name for name in rows[0].metrics if all(name in row.metrics for row in rows)]
    return StudyLine(
        row=_pooled(entrant),
        seeds=tuple(run.seed for run in entrant.runs),
        by_seed={name: tuple(row.metrics[name].value for row in rows) for name in names},
    )


def _pooled(entrant: Entrant) -> Row:
    """One row over the questions of all seeds; a user is drawn with all of theirs."""
    first = entrant.rows[0]
    if len(entrant.rows) == 1:
        return first.model_copy(update={"system": entrant.name})
    seconds = [row.seconds for row in entrant.rows if row.seconds is not None]
    memory = [row.peak_mib for row in entrant.rows if row.peak_mib is not None]
    measured = Measured(
        system=entrant.name,
        dataset=first.dataset,
        split=first.split,
        split_fingerprint=first.split_fingerprint,
        protocol=first.protocol,
        seeds=tuple(run.seed for run in entrant.runs),
        seconds=round(sum(seconds) / len(seconds), 1) if seconds else None,
        peak_mib=max(memory, default=None),
    )
    return make_row(pl.concat(entrant.ranks()), measured, EvaluationConfig())


def _pairs(found: Sequence[Entrant]) -> tuple[list[Pair], list[str]]:
    """Every pair among those who were asked the same as most, and who was not."""
    asked = Counter(entrant.asked for entrant in found)
    if not asked:
        return [], []
    most = max(asked, key=lambda key: (asked[key], len(key)))
    same = [entrant for entrant in found if entrant.asked == most]
    notes = [
        f"{entrant.name} is not compared: it was asked other questions than most "
        f"(seeds {', '.join(str(run.seed) for run in entrant.runs)})"
        for entrant in found
        if entrant.asked != most
    ]
    if len(same) < 2:
        return [], notes
    try:
        contestants = [entrant.contestant() for entrant in same]
        return all_pairs(contestants, HEADLINE, _RESAMPLES), notes
    except RunError as error:
        return [], [*notes, f"nothing is compared: {error}"]


def _told(rows: Sequence[Row], pairs: Sequence[Pair]) -> list[str]:
    """The best system held against the next one, and against every baseline."""
    compared = {name for pair in pairs for name in (pair.better, pair.worse)}
    names = [row.system for row in rows if row.system in compared]
    if not names:
        return []
    best, *others = names
    by_names = {frozenset((pair.better, pair.worse)): pair for pair in pairs}
    held = [others[0], *(name for name in others[1:] if name in _BASELINES)]
    return [by_names[frozenset((best, name))].told() for name in held]
