"""`gistrec cache`: image features kept from earlier runs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="cache",
    help="Image features kept from earlier runs: see what there is, make room.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[
    Path | None,
    typer.Option(help="The cache; by default $GISTREC_CACHE, else ~/.cache/gistrec/vision."),
]
_DAY = 86_400.0  # seconds


@app.command()
def show(folder: Folder = None) -> None:
    """Show each backbone's image features, the latest used first."""
    from datetime import datetime

    from rich.table import Table

    from gistrec.cli.output import print_whole
    from gistrec.mllm.vision.cache import VisionCache, users_cache

    cache = VisionCache(folder or users_cache())
    entries = cache.entries()
    if not entries:
        typer.echo(f"{cache.folder}: empty")
        return
    table = Table(title=f"Image features in {cache.folder}")
    for heading in ("backbone", "eyes", "images", "MiB", "last used"):
        table.add_column(heading, justify="right" if heading in ("images", "MiB") else "left")
    for entry in entries:
        used = datetime.fromtimestamp(entry.last_used).strftime("%Y-%m-%d %H:%M")
        table.add_row(
            entry.backbone, entry.eyes[:12], f"{entry.images:,}", f"{entry.mib:,.1f}", used
        )
    print_whole(table)


@app.command()
def clear(
    folder: Folder = None,
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Only what was not used for so many days."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete image features; runs that need them look at the images again."""
    import time

    from gistrec.mllm.vision.cache import VisionCache, users_cache

    cache = VisionCache(folder or users_cache())
    latest = time.time() - _DAY * (older_than or 0)
    chosen = [entry for entry in cache.entries() if entry.last_used <= latest]
    if not chosen:
        typer.echo(f"{cache.folder}: nothing to clear")
        return
    for entry in chosen:
        typer.echo(f"{entry.backbone}: {entry.images:,} images, {entry.mib:,.1f} MiB")
    if not yes:
        typer.confirm(f"Delete {'this' if len(chosen) == 1 else 'these'}?", abort=True)
    for entry in chosen:
        done = entry.clear()
        typer.echo(f"{entry.folder}: {'deleted' if done else 'in use, left'}")
