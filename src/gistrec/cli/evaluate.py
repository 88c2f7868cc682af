"""`gistrec evaluate`: a run's figures by protocol and stratum, also as a server scores it."""

from pathlib import Path
from typing import Annotated

import typer

from gistrec.errors import ConfigError


def evaluate(
    run_folder: Annotated[Path, typer.Option("--run", metavar="DIR", help="Folder of the run.")],
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="sampled, full, cold-sampled or cold-full; may be given several times."),
    ] = None,
    stratum: Annotated[
        str | None,
        typer.Option(help="frequency (of the target in training) or length (of the history)."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Score the fine-tuned model on this server (vLLM) first, beside the run's own.",
        ),
    ] = None,
    server_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name on the server.")
    ] = None,
    server_key: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="The environment variable with the server's key."),
    ] = None,
    server_concurrency: Annotated[
        int, typer.Option(min=1, max=1024, help="Requests under way at a time.")
    ] = 32,
) -> None:
    """Print what a run measured, whole or by stratum, with 95% intervals."""
    from gistrec.cli.output import print_leaderboard, print_whole, tell_of_fusion, terminal_width
    from gistrec.errors import RunError
    from gistrec.evaluation.leaderboard import load_leaderboard
    from gistrec.evaluation.table import stratum_table
    from gistrec.pipeline.outdated import told_of_systems

    protocols = protocol or ["full"]
    told: list[str] = []
    if server is not None:
        told = _scored_on(
            run_folder, protocols, server, server_model, server_key, server_concurrency
        )
    elif server_model or server_key:
        raise ConfigError("--server-model and --server-key are of a server: name it with --server")
    rows = load_leaderboard(run_folder)
    measured = list(dict.fromkeys(row.protocol for row in rows))
    for name in protocols:
        if name not in measured:
            raise RunError(
                f"{run_folder} was not measured by {name!r}; it was by {', '.join(measured)}"
            )
    if outdated := told_of_systems(run_folder, rows):
        typer.echo(outdated, err=True)
    if stratum is None:
        print_leaderboard([row for row in rows if row.protocol in protocols])
    else:
        for name in dict.fromkeys(protocols):
            of_protocol = [row for row in rows if row.protocol == name]
            print_whole(stratum_table(of_protocol, stratum, terminal_width()))
    tell_of_fusion(run_folder, [row for row in rows if row.protocol in protocols])
    for line in told:
        typer.echo(line)


def _scored_on(
    run_folder: Path,
    protocols: list[str],
    url: str,
    model: str | None,
    key: str | None,
    concurrency: int,
) -> list[str]:
    """Score on a server; what a person is told of it."""
    from gistrec.cli.server_options import server_config
    from gistrec.pipeline.on_server import evaluate_on_server

    if model is None:
        raise ConfigError(
            "--server needs --server-model; `gistrec doctor --server URL` lists its models"
        )
    engine = server_config(url, model, key, concurrency=concurrency)
    _, compared = evaluate_on_server(run_folder, engine, protocols)
    return [line for one in compared for line in one.told()]
