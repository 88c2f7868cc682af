"""`gistrec taste`: how a user's taste went, or what the tastes of a run are like."""

from pathlib import Path
from typing import Annotated

import typer


def taste(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    user: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Id of a user of the run's dataset; by default all, in a few numbers.",
        ),
    ] = None,
    users: Annotated[
        int, typer.Option(min=0, help="Without --user: of how many, the taste over time.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a user's taste after each block of the history, or the quality of all and a few."""
    from gistrec.cli.output import wide_console
    from gistrec.pipeline.taste.view import taste_view, user_taste

    if user is not None:
        one = user_taste(run_folder, user)
        if as_json:
            typer.echo(one.model_dump_json(indent=2))
        else:
            wide_console().print(one.table())
        return
    view = taste_view(run_folder, users)
    if as_json:
        typer.echo(view.model_dump_json(indent=2))
        return
    for table in view.tables():
        wide_console().print(table)
