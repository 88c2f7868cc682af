"""`gistrec compare`: which systems can be told apart."""

import json
from pathlib import Path
from typing import Annotated

import typer


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Runs, or folders of runs of several seeds."),
    ],
    metric: Annotated[str, typer.Option(help="HR@5, NDCG@10, MRR@5, AUC, ...")] = "NDCG@5",
    protocol: Annotated[
        str, typer.Option(help="full, sampled, cold-full or cold-sampled.")
    ] = "sampled",
    against: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="Only pairs with this system.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Draws of users.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pairs as JSON.")] = False,
) -> None:
    """Compare every pair of systems, paired by user, corrected for the number of pairs."""
    from gistrec.cli.output import print_whole, terminal_width
    from gistrec.evaluation.contestants import contestants
    from gistrec.evaluation.pairs import all_pairs
    from gistrec.evaluation.pairs_table import pairs_table

    systems = contestants(folders, protocol)
    pairs = all_pairs(systems, metric, resamples, against=against)
    if as_json:
        typer.echo(json.dumps([pair.model_dump(mode="json") for pair in pairs], indent=2))
        return
    title = f"{metric}, {protocol}, {pairs[0].questions:,} questions"
    print_whole(pairs_table(pairs, title, terminal_width()))
    typer.echo()
    for pair in pairs:
        typer.echo(pair.told())
