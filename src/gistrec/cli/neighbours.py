"""`gistrec neighbours`: whom a user resembles, and what those users chose next."""

from pathlib import Path
from typing import Annotated

import typer


def neighbours(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    user: Annotated[str, typer.Option(help="Id of a user of the run's dataset.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many similar users.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the users most similar to one: when, what they have in common, what they chose next."""
    from gistrec.cli.output import wide_console
    from gistrec.pipeline.neighbours_view import similar_users
    from gistrec.pipeline.users import RunUsers

    found = similar_users(RunUsers.open(run_folder), user, k)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    wide_console().print(found.table())
    if note := found.note():
        typer.echo(note)
