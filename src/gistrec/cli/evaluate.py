"""`gistrec evaluate`: a run's figures by protocol and stratum."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    protocol: Annotated[
        str, typer.Option(help="sampled, full, cold-sampled or cold-full.")
    ] = "full",
    stratum: Annotated[
        str | None,
        typer.Option(help="frequency (of the target in training) or length (of the history)."),
    ] = None,
) -> None:
    """Print what a run measured, whole or by stratum, with 95% intervals."""
    from gistrec.cli.output import print_leaderboard, print_whole
    from gistrec.errors import RunError
    from gistrec.evaluation.leaderboard import load_leaderboard
    from gistrec.evaluation.table import stratum_table

    rows = load_leaderboard(run_folder)
    chosen = [row for row in rows if row.protocol == protocol]
    if not chosen:
        measured = ", ".join(dict.fromkeys(row.protocol for row in rows))
        raise RunError(f"{run_folder} was not measured by {protocol!r}; it was by {measured}")
    if stratum is None:
        print_leaderboard(chosen)
        return
    print_whole(stratum_table(chosen, stratum))
