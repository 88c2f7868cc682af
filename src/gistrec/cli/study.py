"""`gistrec study`: many systems, data sets and seeds from one file to one leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gistrec.cli.run import Overrides

if TYPE_CHECKING:
    from gistrec.evaluation.study import StudyRecord

_STUDIES = Path("studies")


def study(
    named: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help="A YAML file, or a study that comes with gistrec: honest, paper-parity, "
            "cold-start, knock-out, transfer, mmsrarec-table-4, ...",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the study; by default studies/<its name>."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be run and what it costs; run nothing.")
    ] = False,
    datasets: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=DIR,...", help="Where data sets lie, those of the file or more."
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only on these data sets.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="In place of the file's.")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Run a study, or go on with it: what stands stays, what failed is tried again."""
    from gistrec.cli.output import print_whole, terminal_width
    from gistrec.config.seeds import parse_seeds
    from gistrec.config.study import load_study_config
    from gistrec.pipeline.study.estimate import estimate
    from gistrec.pipeline.study.places import parse_datasets
    from gistrec.pipeline.study.plan import plan_study
    from gistrec.pipeline.study.run import run_study
    from gistrec.pipeline.study.search import search_study, told_search
    from gistrec.pipeline.study.table import plan_table, told_sum

    config = load_study_config(named)
    planned = plan_study(
        config,
        out or _STUDIES / config.name,
        paths=None if datasets is None else parse_datasets(datasets),
        only=None if only is None else [name.strip() for name in only.split(",")],
        seeds=None if seeds is None else parse_seeds(seeds),
        overrides=overrides or [],
    )
    expected = estimate(planned)
    title = f"{planned.title}: {planned.folder}"
    print_whole(plan_table(expected, title, terminal_width()))
    typer.echo(told_sum(expected))
    for line in planned.left_out:
        typer.echo(f"left out: {line}")
    for line in told_search(config):
        typer.echo(line)
    if plan:
        return
    if config.search is not None:
        planned = search_study(config, planned)
        expected = estimate(planned)
    record = run_study(planned, expected)
    _publish(planned.folder, record)
    _tell_failures(record)


def _publish(folder: Path, record: "StudyRecord") -> None:
    """Write and print the leaderboards of what is done, and write the report."""
    from gistrec.cli.output import print_whole, terminal_width
    from gistrec.evaluation.study_board_table import board_table, publish_boards
    from gistrec.pipeline.study.board import study_boards
    from gistrec.pipeline.study.page import write
    from gistrec.progress import say

    boards = study_boards(folder, record)
    for file in publish_boards(boards, record, folder):
        say(f"written: {file}")
    for board in boards:
        print_whole(board_table(board, terminal_width()))
        for line in (*board.told, *board.notes):
            typer.echo(line)
        typer.echo()
    if record.of("done"):
        say(f"report: {write(folder)}")


def _tell_failures(record: "StudyRecord") -> None:
    """Say what failed, and end with 1 where something did."""
    failed = record.of("failed")
    if not failed:
        return
    typer.echo(f"{len(failed)} of {len(record.runs)} runs failed:", err=True)
    for run in failed:
        typer.echo(f"  {run.system} on {run.dataset}, seed {run.seed}: {run.message}", err=True)
    typer.echo("Give the same command again to try them again.", err=True)
    raise typer.Exit(1)
