"""`gistrec run`: a system from a dataset to its leaderboard."""

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="STAGE.KEY=VALUE", help="Change one setting; may be given many times."
    ),
]


def run(
    system: Annotated[str, typer.Option(help="A preset: mmsrarec, or a baseline's name.")],
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the dataset.")],
    run_folder: Annotated[
        Path, typer.Option("--run", metavar="DIR", help="Folder of the run; continued if it is.")
    ],
    backbone: Annotated[
        str | None, typer.Option(help="`embedded`, a model's folder, or a hub id.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML laid over the preset.")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Run a system to its leaderboard; run the same command again to go on where it stopped."""
    from gistrec.cli.output import print_leaderboard
    from gistrec.pipeline.run import run_system

    settings = [*(overrides or [])]
    if backbone is not None:
        settings.append(f"backbone.model={backbone}")
    done = run_system(system, dataset, run_folder, config_file=config, overrides=settings)
    print_leaderboard(done.rows)
