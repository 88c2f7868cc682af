"""A study as one page: who wins where, every dataset, every run, and what it took."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gistrec import schema
from gistrec.counted import counted
from gistrec.errors import RunError
from gistrec.evaluation.report.board import span
from gistrec.evaluation.report.cards import RunCard
from gistrec.evaluation.report.content import Content
from gistrec.evaluation.report.page import write_page
from gistrec.evaluation.report.study_content import RunLine, SearchLine, StudyContent, Verdict
from gistrec.evaluation.study import StudyRecord, StudyRun, load_study
from gistrec.pipeline.report.cards import run_card
from gistrec.pipeline.report.page import REPORT_FILE
from gistrec.pipeline.study.entries import Entry, arenas, entries_of
from gistrec.pipeline.study.part import Place, study_part
from gistrec.progress import say

_APART = (
    "These systems were asked questions of their own: no figure here can be held against those "
    "of {others}."
)


def write(study_folder: Path, out: Path | None = None, users: int = 2, seed: int = 0) -> Path:
    """Write what a study came to so far as one HTML file, and return its path.

    Args:
        study_folder: of the study.
        out: the file; by default ``report.html`` in the folder.
        users: how many to show of each system and dataset; 0 opens no model.
        seed: they are drawn by it.

    Raises:
        RunError: the folder is no study, a run lacks its ranks, or the file would be too large.
    """
    target = study_folder / REPORT_FILE if out is None else out
    write_page(study_content(study_folder, users, seed), target)
    return target


def study_content(study: Path, users: int, seed: int) -> StudyContent:
    """All that the report of a study shows; arguments and faults are those of ``write``."""
    record = load_study(study)
    parts = list(_parts(record, study, users, seed))
    return StudyContent(
        name=record.name,
        title=record.title,
        facts=tuple(_facts(record, study)),
        notes=tuple(_notes(record)),
        verdicts=tuple(Verdict(p.heading.dataset, p.mark, p.glances) for p in parts if p.glances),
        parts=tuple(parts),
        runs=tuple(map(_line, record.runs)),
        took=_took(record),
        searches=tuple(
            SearchLine(
                one.dataset,
                one.system,
                one.trials,
                one.seconds,
                span(one.seconds),
                tuple(f"{key}={value}" for key, value in one.best.items()),
            )
            for one in record.searches
        ),
        cards=tuple(_cards(record, study)),
    )


def _parts(record: StudyRecord, study: Path, users: int, seed: int) -> Iterable[Content]:
    """A part for each dataset; more where its systems were asked on different splits."""
    number = 0
    for dataset in record.datasets:
        say(f"report: {dataset.name}")
        groups = arenas(entries_of(record, study, dataset.name))
        titles = [_title(dataset.name, group, len(groups)) for group in groups]
        for at, group in enumerate(groups):
            others = [title for place, title in enumerate(titles) if place != at]
            place = Place(
                titles[at],
                f"d{number}-",
                tuple(_failed(record, dataset.name)) if at == 0 else (),
                (_APART.format(others=" and ".join(others)),) if others else (),
            )
            yield study_part(group, place, users, seed)
            number += 1


def _title(dataset: str, group: list[Entry], groups: int) -> str:
    if groups == 1:
        return dataset
    labels = list(dict.fromkeys(entry.label for entry in group))
    return f"{dataset}: {', '.join(labels)}"


def _failed(record: StudyRecord, dataset: str) -> list[str]:
    """Systems that were tried on a dataset and of which no run was finished."""
    mine = [run for run in record.runs if run.dataset == dataset]
    done = {run.system for run in mine if run.state == "done"}
    return [
        name
        for name in dict.fromkeys(run.system for run in mine if run.state == "failed")
        if name not in done
    ]


def _facts(record: StudyRecord, study: Path) -> Iterable[str]:
    seeds = sorted({run.seed for run in record.runs})
    systems = list(dict.fromkeys(run.system for run in record.runs))
    yield f"Datasets: {', '.join(one.name for one in record.datasets)}."
    yield f"Systems: {', '.join(systems)}."
    if len(seeds) > 1:
        yield f"Seeds {', '.join(map(str, seeds))}: every figure is a mean over them."
    files = [study / run.folder / schema.LEADERBOARD_FILE for run in record.of("done")]
    times = [file.stat().st_mtime for file in files if file.is_file()]
    if times:
        yield f"Measured {datetime.fromtimestamp(max(times), UTC).date().isoformat()}."


def _notes(record: StudyRecord) -> Iterable[str]:
    failed, left = record.of("failed"), [*record.of("waiting"), *record.of("running")]
    if failed:
        yield (
            f"{len(failed)} of {counted(len(record.runs), 'run')} failed; why is told below. The "
            "same command tries them again."
        )
    if left:
        yield f"{counted(len(left), 'run')} still to be made: shown is what stands so far."
    if not record.of("done"):
        yield "No run is finished: there is nothing to compare."


def _line(run: StudyRun) -> RunLine:
    def told(seconds: float | None) -> str:
        return "" if seconds is None else span(seconds)

    return RunLine(
        run.dataset,
        run.system,
        run.seed,
        run.state,
        told(run.seconds),
        run.seconds,
        told(run.estimated_seconds),
        run.estimated_seconds,
        run.message or "",
        run.reused,
    )


def _took(record: StudyRecord) -> str:
    taken = sum(run.seconds or 0.0 for run in record.runs)
    reused = sum(len(run.reused) for run in record.runs)
    told = f"{counted(len(record.runs), 'run')} took {span(taken)} in all"
    if record.estimated_seconds:
        told += f"; {span(record.estimated_seconds)} were expected"
    if reused:
        told += (
            f". {counted(reused, 'stage')} came from an earlier run that had made just the same, "
            "instead of being made again"
        )
    return f"{told}."


def _cards(record: StudyRecord, study: Path) -> Iterable[RunCard]:
    for run in record.of("done"):
        try:
            card = run_card(study / run.folder)
        except (RunError, OSError) as error:
            say(f"report: how {run.folder} was made is not told: {error}")
            continue
        yield replace(card, folder=f"{run.system} on {run.dataset}, seed {run.seed}")
