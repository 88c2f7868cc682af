"""`gistrec data`: bring data in, make some up, check it, look at it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="data",
    help="Bring data in, make some up, check it, look at it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Option("--out", help="Folder of the dataset to write.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset.")]


@app.command(name="import")
def import_(
    source: Annotated[
        str, typer.Argument(help="movielens, microlens, amazon, recbole or table (your own).")
    ],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="The source's folder, or its files.")
    ],
    out: Out,
    name: Annotated[
        str | None, typer.Option(help="Of the dataset; by default its folder's.")
    ] = None,
    item_noun: Annotated[str | None, typer.Option(help="What prompts call an item: video.")] = None,
    verb: Annotated[str | None, typer.Option(help="What users did with it: watched.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS",
            help="For table and recbole, repeatable: user_id=uid, or for one of the two tables "
            "only: items.item_id=sku, interactions.item_id=product.",
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder with images called <item id>.jpg (or .png, .webp).")
    ] = None,
    fetch_images: Annotated[
        bool,
        typer.Option(
            "--fetch-images",
            help="Fetch images from their URLs; they are kept in <out>.images, and what is there "
            "is not fetched again.",
        ),
    ] = False,
    fetch_concurrency: Annotated[
        int, typer.Option(min=1, max=64, help="Requests under way at a time.")
    ] = 8,
    fetch_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one attempt may take.")
    ] = 20.0,
    image_side: Annotated[
        int, typer.Option(min=1, help="Images are shrunk until no side is longer, in pixels.")
    ] = 224,
    min_interactions: Annotated[
        int,
        typer.Option(min=0, help="Keep users and items with at least so many (k-core); 0: all."),
    ] = 0,
    min_rating: Annotated[
        float | None, typer.Option(help="Leave out interactions rated lower.")
    ] = None,
    only_seen: Annotated[
        bool, typer.Option("--only-seen", help="Leave out items that nobody chose.")
    ] = False,
) -> None:
    """Make a dataset of someone's data."""
    from gistrec.cli.data_summary import show_import
    from gistrec.data.sources.columns import parse_column_map
    from gistrec.data.sources.image_urls import FetchSettings
    from gistrec.data.sources.importing import ImportOptions, import_dataset

    fetch = FetchSettings(fetch_concurrency, fetch_timeout) if fetch_images else None
    options = ImportOptions(
        name=name,
        item_noun=item_noun,
        verb=verb,
        columns=parse_column_map(columns or []),
        min_interactions=min_interactions,
        min_rating=min_rating,
        only_seen=only_seen,
        images=images,
        fetch=fetch,
        image_side=image_side,
    )
    show_import(import_dataset(source, paths, out, options))


@app.command()
def check(folder: Folder) -> None:
    """Show every defect of a dataset, with row and field; exit 1 if any is fatal."""
    from gistrec.cli.data_summary import show_defects
    from gistrec.data.checks import check_dataset

    defects = check_dataset(folder)
    show_defects(folder, defects)
    if any(defect.fatal for defect in defects):
        raise typer.Exit(1)


@app.command()
def bazaar(
    out: Out,
    users: Annotated[int | None, typer.Option(min=1, help="How many shoppers.")] = None,
    items: Annotated[int | None, typer.Option(min=1, help="How many goods.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another bazaar.")] = 0,
) -> None:
    """Make the built-in dataset: drawn goods, and shoppers who choose by a known rule."""
    from pydantic import ValidationError

    from gistrec.cli.data_summary import show_dataset
    from gistrec.config.bazaar import BazaarConfig
    from gistrec.config.faults import describe_faults
    from gistrec.data.bazaar.make import write_bazaar
    from gistrec.errors import ConfigError

    asked = {"users": users, "items": items, "seed": seed}
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        config = BazaarConfig.model_validate(given)
    except ValidationError as error:
        origins: dict[tuple[str, ...], str] = {(name,): f"--{name}" for name in given}
        raise ConfigError(describe_faults(error, BazaarConfig, origins)) from None
    show_dataset(write_bazaar(out, config))


@app.command()
def show(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="Picture to write: .png, .jpg or .webp.")],
    items: Annotated[int, typer.Option(min=1, help="How many items to show.")] = 48,
    seed: Annotated[int, typer.Option(help="Which items and users are shown.")] = 0,
) -> None:
    """Draw some items and some users' histories of a dataset in one picture."""
    from gistrec.data.contact_sheet import contact_sheet
    from gistrec.data.dataset import open_dataset
    from gistrec.errors import ConfigError
    from gistrec.files import written_aside

    formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    if out.suffix.lower() not in formats:
        raise ConfigError(f"--out {out}: must end in one of {', '.join(formats)}")
    sheet = contact_sheet(open_dataset(folder), items, seed)
    with written_aside(out) as aside:
        sheet.save(aside, formats[out.suffix.lower()])
    typer.echo(f"written: {out}")
