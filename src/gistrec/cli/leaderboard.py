"""`gistrec leaderboard`: one table over many runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gistrec.errors import RunError


def leaderboard(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Run folders, each with a leaderboard.json."),
    ],
    protocol: Annotated[
        str | None, typer.Option(help="Only rows of this protocol, for example full or sampled.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Print one table over runs on the same split; runs on different splits are refused."""
    from gistrec.cli.output import print_leaderboard, tell_of_fusion
    from gistrec.evaluation.leaderboard import load_leaderboard, read_leaderboard
    from gistrec.evaluation.table import sorted_rows
    from gistrec.pipeline.outdated import told_of_systems

    rows = sorted_rows(read_leaderboard(folders))
    if protocol is not None:
        measured = list(dict.fromkeys(row.protocol for row in rows))
        rows = [row for row in rows if row.protocol == protocol]
        if not rows:
            message = (
                f"no row has the protocol {protocol!r}; these runs were measured by "
                f"{', '.join(measured) or 'none'}"
            )
            raise RunError(message)
    for folder in dict.fromkeys(folders):
        if told := told_of_systems(folder, load_leaderboard(folder)):
            typer.echo(told, err=True)
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
    else:
        print_leaderboard(rows)
    shown = {row.protocol for row in rows}
    for folder in dict.fromkeys(folders):
        mine = [row for row in load_leaderboard(folder) if row.protocol in shown]
        tell_of_fusion(folder, mine)
