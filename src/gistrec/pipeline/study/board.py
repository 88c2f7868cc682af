"""The boards of a study, out of the run folders in which its systems were measured."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from gistrec.config.evaluation import Protocol
from gistrec.evaluation.row import Row
from gistrec.evaluation.study import StudyRecord
from gistrec.evaluation.study_board import (
    StudyBoard,
    StudyFailure,
    StudyLine,
    compared,
    in_order,
    told_of_best,
)
from gistrec.pipeline.study.entries import Entry, arenas, entries_of
from gistrec.progress import track

_PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


def study_boards(study: Path, record: StudyRecord) -> list[StudyBoard]:
    """Every board of a study, by dataset, the full catalogue first.

    Raises:
        RunError: a finished run has lost its ranks.
    """
    return [
        board
        for dataset in record.datasets
        for board in _of_dataset(record, dataset.name, entries_of(record, study, dataset.name))
    ]


def _of_dataset(
    record: StudyRecord, dataset: str, entries: Sequence[Entry]
) -> Iterator[StudyBoard]:
    """A board for each protocol, and each split on which systems of their own were asked."""
    groups = arenas(entries)
    rows = {
        (entry.name, row.protocol): row
        for entry in track(entries, f"{dataset}: measuring over seeds")
        for row in entry.rows()
    }
    for number, group in enumerate(groups, start=1):
        part = f", questions {number} of {len(groups)}" if len(groups) > 1 else ""
        for protocol in _PROTOCOLS:
            found = [entry for entry in group if (entry.name, protocol) in rows]
            if found:
                lines = [_line(entry, rows[entry.name, protocol]) for entry in found]
                yield _board(record, dataset, f"{dataset}, {protocol}{part}", found, lines)


def _board(
    record: StudyRecord,
    dataset: str,
    title: str,
    entries: Sequence[Entry],
    lines: Sequence[StudyLine],
) -> StudyBoard:
    protocol, ordered = lines[0].row.protocol, in_order(lines)
    pairs, notes = compared([(entry.contestant(protocol), entry.seeds) for entry in entries])
    return StudyBoard(
        dataset=dataset,
        protocol=protocol,
        title=title,
        lines=tuple(ordered),
        failed=tuple(
            StudyFailure(system=run.system, seed=run.seed, message=run.message or "")
            for run in record.of("failed")
            if run.dataset == dataset
        ),
        pairs=tuple(pairs),
        told=tuple(told_of_best(ordered, pairs)),
        notes=tuple(notes),
    )


def _line(entry: Entry, row: Row) -> StudyLine:
    each = [one for seen in entry.seen for one in seen.rows if one.protocol == row.protocol]
    return StudyLine(
        row=row,
        seeds=entry.seeds,
        by_seed={
            name: tuple(one.metrics[name].value for one in each)
            for name in row.metrics
            if all(name in one.metrics for one in each)
        },
    )
