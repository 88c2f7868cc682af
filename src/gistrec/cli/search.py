"""`gistrec search`: settings searched on validation users, with an equal budget a system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gistrec.cli.run import Overrides

if TYPE_CHECKING:
    from gistrec.config.search import Space


def search(
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the dataset.")],
    systems: Annotated[
        str, typer.Option(metavar="NAME,...", help="Presets: sasrec,gru4rec,mmsrarec, ...")
    ],
    trials: Annotated[
        int, typer.Option(min=1, help="Settings tried of each system, its own first.")
    ] = 20,
    seconds_each: Annotated[
        float | None,
        typer.Option(help="Begin no trial of a system once its trials took so long."),
    ] = None,
    metric: Annotated[str, typer.Option(help="NDCG@k, HR@k or MRR@k.")] = "NDCG@5",
    protocol: Annotated[str, typer.Option(help="sampled or full.")] = "sampled",
    seed: Annotated[int, typer.Option(min=0, help="Of every stage and of what is tried.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Continued if it is there. [default: runs/search-NAME]"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML laid over every preset.")
    ] = None,
    overrides: Overrides = None,
    space: Annotated[
        list[str] | None,
        typer.Option(metavar="SYSTEM=FILE", help="What is tried of a system; repeatable."),
    ] = None,
) -> None:
    """Search for settings on validation users; the same command goes on where it stopped."""
    from gistrec.cli.output import print_whole
    from gistrec.config.search import request_of
    from gistrec.errors import RunError
    from gistrec.evaluation.search_table import search_table, settings_table
    from gistrec.pipeline.search.searches import BEST_FILE, search_all
    from gistrec.pipeline.variants import Recipe

    request = request_of(
        {
            "trials": trials,
            "seconds_each": seconds_each,
            "metric": metric,
            "protocol": protocol,
            "seed": seed,
        }
    )
    named = [name.strip() for name in systems.split(",")]
    recipes = [Recipe(name, dataset, config, tuple(overrides or ())) for name in named]
    folder = out or Path("runs") / f"search-{dataset.resolve().name}"
    records = search_all(recipes, request, folder, _spaces(space or [], named))
    print_whole(search_table(records))
    typer.echo()
    print_whole(settings_table(records))
    typer.echo()
    for record in records:
        best = folder / record.system / BEST_FILE
        typer.echo(f"gistrec run --system {record.system} --dataset {dataset} --config {best} ...")
    if none := [record.system for record in records if record.best is None]:
        raise RunError(f"no trial of {', '.join(none)} was done; {folder} says why of each")


def _spaces(given: list[str], systems: list[str]) -> dict[str, "Space"]:
    from gistrec.config.search import space_of
    from gistrec.errors import ConfigError

    spaces = {}
    for text in given:
        system, equals, file = text.partition("=")
        if not equals or system not in systems:
            raise ConfigError(f"--space {text}: write it as SYSTEM=FILE, of one of --systems")
        spaces[system] = space_of(system, Path(file))
    return spaces
