"""`gistrec report`: a run or a study as one page."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run_folder: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="A run, or a folder of runs of several seeds."),
    ] = None,
    study_folder: Annotated[
        Path | None,
        typer.Option("--study", metavar="DIR", help="The folder of a study, in place of --run."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="By default report.html in the folder."),
    ] = None,
    gallery: Annotated[
        bool,
        typer.Option(
            "--gallery/--no-gallery",
            help="Show test users with their recommendations; the model is opened for it.",
        ),
    ] = True,
    users: Annotated[
        int | None,
        typer.Option(min=1, max=20, help="How many users: by default 4, of a study 2 a system."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="They are drawn by it.")] = 0,
) -> None:
    """Write leaderboard, strata, costs, users and settings as one HTML file."""
    if (run_folder is None) == (study_folder is None):
        raise typer.BadParameter("name either --run or --study")
    if study_folder is not None:
        from gistrec.pipeline.study.page import write

        target = write(study_folder, out, (users or 2) if gallery else 0, seed)
    elif run_folder is not None:
        from gistrec.pipeline.report.page import write_report

        target = write_report(run_folder, out, (users or 4) if gallery else 0, seed)
    typer.echo(f"{target} ({target.stat().st_size / 1024**2:.1f} MiB)")
