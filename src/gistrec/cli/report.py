"""`gistrec report`: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run_folder: Annotated[
        Path,
        typer.Option("--run", metavar="DIR", help="A run, or a folder of runs of several seeds."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="By default report.html in the run's folder."),
    ] = None,
    gallery: Annotated[
        bool,
        typer.Option(
            "--gallery/--no-gallery",
            help="Show test users with their recommendations; the model is opened for it.",
        ),
    ] = True,
    users: Annotated[int, typer.Option(min=1, max=20, help="How many users.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="They are drawn by it.")] = 0,
) -> None:
    """Write leaderboard, strata, costs, users and settings of a run as one HTML file."""
    from gistrec.pipeline.report import write_report

    target = write_report(run_folder, out, users if gallery else 0, seed)
    typer.echo(f"{target} ({target.stat().st_size / 1024**2:.1f} MiB)")
