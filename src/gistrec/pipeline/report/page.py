"""A finished run, or one of several seeds, as one page."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gistrec import schema
from gistrec.config.seeds import seed_folders
from gistrec.errors import GistrecError, RunError
from gistrec.evaluation.ablations import read_ablations
from gistrec.evaluation.contestants import contestants
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.report.board import Board, boards
from gistrec.evaluation.report.by_seed import by_seed
from gistrec.evaluation.report.content import Content, Heading
from gistrec.evaluation.report.cost import priced
from gistrec.evaluation.report.curves import course_panels
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.report.gallery import Gallery
from gistrec.evaluation.report.glance import glances
from gistrec.evaluation.report.page import write_page
from gistrec.evaluation.report.strata_panels import strata_panels
from gistrec.evaluation.report.told_apart import ToldApart, told_apart
from gistrec.evaluation.report.variants import variants
from gistrec.evaluation.row import Row
from gistrec.pipeline.compared import compared_now
from gistrec.pipeline.fusion_note import told_of_fusion
from gistrec.pipeline.outdated import told_of_systems
from gistrec.pipeline.report.cards import dataset_card, quality_cards, run_card
from gistrec.pipeline.report.courses import courses_of
from gistrec.pipeline.report.printed import papers_beside
from gistrec.pipeline.report.rows import answering_seconds, entrants_of, rows_of
from gistrec.progress import say

REPORT_FILE = "report.html"


def write_report(run: Path, target: Path | None = None, users: int = 4, seed: int = 0) -> Path:
    """Write what a run came to as one HTML file, and return its path.

    Args:
        run: its folder, or that of several seeds.
        target: the file; by default ``report.html`` in the folder.
        users: how many to show with their recommendations; 0 opens no model.
        seed: they are drawn by it.

    Raises:
        RunError: there is no leaderboard, or the file would be too large to send.
    """
    target = run / REPORT_FILE if target is None else target
    write_page(report_content(run, users, seed), target)
    return target


def report_content(run: Path, users: int, seed: int) -> Content:
    """All that the report of a run shows; arguments and faults are those of ``write_report``."""
    folders = seed_folders(run) or [run]
    rows = rows_of(folders)
    if not rows:
        raise RunError(f"{folders[0] / schema.LEADERBOARD_FILE} has no rows: nothing was measured")
    entrants = entrants_of(folders[0], rows)
    shown = boards(rows, entrants)
    headline = [row for row in rows if row.protocol == shown[0].protocol]
    first = folders[0]
    dataset = dataset_card(first)
    answering = answering_seconds(folders, dict.fromkeys(row.system for row in rows))
    compared = _told_apart(run, rows, shown, entrants)
    ordered = [row for board in shown for row in rows if row.protocol == board.protocol]
    return Content(
        heading=_heading(run, folders, rows, entrants),
        glances=glances(ordered, compared, entrants),
        boards=shown,
        told_apart=compared,
        strata=strata_panels(headline, entrants),
        costs=priced(headline, answering, entrants),
        courses=course_panels(courses_of(first)),
        variants=variants(read_ablations(run)),
        galleries=(gallery_of(first, users, seed),) if users else (),
        dataset=dataset,
        runs=tuple(run_card(folder) for folder in folders),
        qualities=quality_cards(first),
        printed=papers_beside([first], rows, dataset, answering),
        by_seed=by_seed({seed_of(folder): load_leaderboard(folder) for folder in folders}, ordered),
        first=f"seed {seed_of(first)}, the first of {len(folders)}" if len(folders) > 1 else "",
    )


def seed_of(run: Path) -> str:
    """The seed that a run's folder is named after."""
    return run.name.removeprefix("seed-")


def _heading(
    run: Path, folders: Sequence[Path], rows: Sequence[Row], entrants: Entrants
) -> Heading:
    measured = max((folder / schema.LEADERBOARD_FILE).stat().st_mtime for folder in folders)
    prints = dict.fromkeys(
        row.split_fingerprint for folder in folders for row in load_leaderboard(folder)
    )
    return Heading(
        system=min(entrants.own, key=len, default="Baselines"),
        dataset=rows[0].dataset,
        split=f"{rows[0].split} ({', '.join(prints)})",
        measured=datetime.fromtimestamp(measured, UTC).date().isoformat(),
        seeds=tuple(seed_of(folder) for folder in folders if folder != run),
        notes=_notes(run, folders),
    )


def _notes(run: Path, folders: Sequence[Path]) -> tuple[str, ...]:
    """What of the figures is not as the configuration says."""
    told = [
        of_rows(folder, load_leaderboard(folder))
        for folder in folders
        for of_rows in (told_of_systems, told_of_fusion)
    ]
    # Most begin with a system's name, which stays as it is.
    notes = [re.sub("^whether", "Whether", line.removeprefix("note: ")) for line in told if line]
    try:
        if folders == [run] and read_ablations(run) and not compared_now(run):
            notes.append(
                "The variants were compared with the system as it was before: run them again."
            )
    except GistrecError as error:
        notes.append(f"Whether the variants are up to date cannot be told: {error}")
    return tuple(notes)


def _told_apart(
    run: Path, rows: Sequence[Row], shown: Sequence[Board], entrants: Entrants
) -> tuple[ToldApart, ...]:
    found = []
    for board in shown:
        mine = [row for row in rows if row.protocol == board.protocol]
        try:
            told = told_apart(contestants([run], board.protocol), mine, entrants)
        except RunError as error:
            say(f"report: {board.protocol}: systems are not compared: {error}")
            continue
        found += [] if told is None else [told]
    return tuple(found)


def gallery_of(run: Path, users: int, seed: int) -> Gallery:
    """Users of a run's test questions with what its model recommends, or why there are none."""
    # It opens a model, for which a report without users need not wait.
    from gistrec.pipeline.report.gallery import gallery

    try:
        return gallery(run, users, seed)
    except GistrecError as error:
        say(f"report: no users are shown: {error}")
        return Gallery(absent=f"No users are shown, for the model does not open: {error}")
