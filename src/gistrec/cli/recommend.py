"""`gistrec recommend`: items for one user, with scores and reasons."""

from pathlib import Path
from typing import Annotated

import typer

from gistrec.cli.system_option import System


def recommend(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    user: Annotated[str, typer.Option(help="Id of a user of the run's dataset.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many items.")] = 10,
    system: System = None,
    why: Annotated[
        bool,
        typer.Option(
            "--why/--no-why",
            help="Give reasons; the model is asked again without each of the latest items.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recommend items to a user from all that is known of them, and say why."""
    from gistrec.cli.output import wide_console
    from gistrec.pipeline.recommend import Recommendations
    from gistrec.pipeline.taste.steps import told_over_time

    found = Recommendations.open(run_folder, system).recommend(user, k, why)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    wide_console().print(found.table())
    if found.tastes is not None:
        typer.echo(f"\n{told_over_time(found.tastes)}")
    if why:
        typer.echo(f"\n{found.why()}")
