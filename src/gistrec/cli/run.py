"""`gistrec run`: a system from a dataset to its leaderboard, and its variants beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gistrec.pipeline.variants import Recipe

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="STAGE.KEY=VALUE", help="Change one setting; may be given many times."
    ),
]


def run(
    system: Annotated[
        str,
        typer.Option(
            help="A preset: mmsrarec, mmsrarec-paper, mllm-msr, mllm-msr-paper, or a baseline."
        ),
    ],
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
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of every stage.")] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="The whole once with each seed, in DIR/seed-N."),
    ] = None,
    ablate: Annotated[
        str | None,
        typer.Option(
            metavar="all|NAME,...",
            help="Compare with the system less one part each. mmsrarec: without-summarisation, "
            "without-rlvr, without-similar-users, gru4rec-retrieval, without-fine-tuning, "
            "without-multi-task; mllm-msr: direct, without-image-summary, recent-history, "
            "text-only, without-fine-tuning.",
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B,...",
            help="Compare values of a setting: history, neighbours, block, summary, or stage.key; "
            "repeatable.",
        ),
    ] = None,
) -> None:
    """Run a system to its leaderboard; run the same command again to go on where it stopped."""
    from gistrec.cli.output import print_leaderboard, tell_of_fusion
    from gistrec.config.seeds import seed_overrides
    from gistrec.config.system import SystemConfig
    from gistrec.errors import ConfigError
    from gistrec.pipeline.run import run_system
    from gistrec.pipeline.variants import Recipe

    if seed is not None and seeds is not None:
        raise ConfigError("--seed is for one seed and --seeds for many: give one of them")
    settings = [] if seed is None else seed_overrides(SystemConfig, seed)
    settings += overrides or []
    if backbone is not None:
        settings.append(f"backbone.model={backbone}")
    if seeds is not None or ablate is not None or sweep:
        recipe = Recipe(system, dataset, config, tuple(settings))
        _compared(recipe, run_folder, seeds, ablate, sweep or [])
        return
    done = run_system(system, dataset, run_folder, config_file=config, overrides=settings)
    print_leaderboard(done.rows)
    tell_of_fusion(run_folder, done.rows)


def _compared(
    recipe: "Recipe", run_folder: Path, seeds: str | None, ablate: str | None, sweep: list[str]
) -> None:
    """Run variants or seeds, and print the leaderboard of the one run and what is compared."""
    from gistrec.cli.output import print_leaderboard, print_whole, tell_of_fusion
    from gistrec.config.seeds import parse_seeds
    from gistrec.config.variants import parse_ablations, parse_sweep
    from gistrec.evaluation.ablation_table import ablation_tables
    from gistrec.evaluation.leaderboard import load_leaderboard
    from gistrec.pipeline.ablations import run_ablations

    variants = [] if ablate is None else parse_ablations(ablate, recipe.config())
    variants += [variant for text in sweep for variant in parse_sweep(text)]
    listed = None if seeds is None else parse_seeds(seeds)
    rows = run_ablations(recipe, run_folder, variants, listed)
    if listed is None:
        rows_of_run = load_leaderboard(run_folder)
        print_leaderboard(rows_of_run)
        tell_of_fusion(run_folder, rows_of_run)
    for table in ablation_tables(rows):
        print_whole(table)
