"""`gistrec gist`: an item in keywords or sentences, or how good the gists of a run are."""

from pathlib import Path
from typing import Annotated

import typer


def gist(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    item: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Id of an item; by default all, in a few numbers."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the gist of an item and who made it, or the quality of all gists and ten of them."""
    from gistrec.cli.output import wide_console
    from gistrec.config.seeds import refuse_no_run
    from gistrec.pipeline.gist.view import gist_view, item_gist
    from gistrec.pipeline.outdated import told_of_stage

    if not (run_folder / "gist").is_dir():
        refuse_no_run(run_folder)
    if told := told_of_stage(run_folder, "gist"):
        typer.echo(told, err=True)
    if item is not None:
        one = item_gist(run_folder, item)
        if as_json:
            typer.echo(one.model_dump_json(indent=2))
        else:
            wide_console().print(one.table())
        return
    view = gist_view(run_folder)
    if as_json:
        typer.echo(view.model_dump_json(indent=2))
        return
    for table in view.tables():
        wide_console().print(table)
    if view.tuning is not None:
        typer.echo("\n".join(["", *view.tuning.told()]))
