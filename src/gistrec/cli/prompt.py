"""`gistrec prompt`: what the recommender reads of a user and a candidate, and what it costs."""

from pathlib import Path
from typing import Annotated

import typer

from gistrec.cli.system_option import System


def prompt(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    user: Annotated[str, typer.Option(help="Id of a user of the run's dataset.")],
    candidate: Annotated[
        str | None,
        typer.Option(
            metavar="ITEM",
            help="Id of an item; by default the one that really came next, or the top "
            "recommendation where the split does not ask about the user.",
        ),
    ] = None,
    system: System = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, token ids included.")
    ] = False,
) -> None:
    """Show the exact prompt of a user and a candidate as it is scored, and where its tokens go."""
    from gistrec.cli.output import wide_console
    from gistrec.pipeline.prompt import shown_prompt
    from gistrec.pipeline.recommend import Recommendations

    shown = shown_prompt(Recommendations.open(run_folder, system), user, candidate)
    if as_json:
        typer.echo(shown.model_dump_json(indent=2))
        return
    typer.echo(f"{shown.text}\n")
    wide_console().print(shown.table())
