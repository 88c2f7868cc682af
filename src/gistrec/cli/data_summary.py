"""What the commands of `gistrec data` print."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from gistrec.data.checks import Defect
    from gistrec.data.dataset import Dataset
    from gistrec.data.sources.importing import ImportReport

_NARROWEST = 100  # columns a table needs; a pipe has no width of its own


def show_dataset(dataset: "Dataset") -> None:
    """Print how large a dataset is and how long its histories are."""
    _console().print(_dataset_table(dataset))


def show_import(report: "ImportReport") -> None:
    """Print what came out of an import, what fell out on the way, and what to know about it."""
    console = _console()
    table = _dataset_table(report.dataset)
    if count := report.images:
        share = count.with_image / count.items
        table.add_row("items with an image", f"{count.with_image:,} ({share:.1%})")
        for what, number in (
            ("no image known", count.missing),
            ("image failed", count.failed),
            ("image URL not fetched (--fetch-images)", count.not_fetched),
        ):
            if number:
                table.add_row(f"  {what}", f"{number:,}")
    table.add_row("interactions read", f"{report.rows_read:,}")
    for note in report.dropped:
        table.add_row(f"  left out: {note.what}", f"{note.count:,}")
    console.print(table)
    for note in report.notes:
        console.print(f"note: {note.what}: {note.count:,}", style="yellow", markup=False)
    if report.failures_file:
        console.print(f"failed images are listed in {report.failures_file}", markup=False)
    if warnings := report.dataset.warnings:
        told = f"kinds of warnings: {len(warnings)}; see gistrec data check {report.dataset.folder}"
        console.print(told, style="yellow", markup=False)
    console.print(f"written: {report.dataset.folder}", markup=False)


def show_defects(folder: Path, defects: Sequence["Defect"]) -> None:
    """Print every defect with its file, row and field."""
    console = _console()
    if not defects:
        console.print(f"{folder}: no defects", markup=False)
        return
    table = Table(title=f"Defects of {folder}")
    for heading in ("", "file", "row from 0", "field", "what", "count"):
        table.add_column(heading, justify="right" if heading in ("row from 0", "count") else "left")
    for defect in sorted(defects, key=lambda defect: not defect.fatal):
        mark = "[red]fatal[/red]" if defect.fatal else "[yellow]warning[/yellow]"
        row = "" if defect.row is None else str(defect.row)
        table.add_row(mark, defect.file, row, defect.field, defect.what, f"{defect.count:,}")
    console.print(table)


def _dataset_table(dataset: "Dataset") -> Table:
    import numpy as np

    lengths = dataset.sequences().lengths
    table = Table(title=f"{dataset.card.name} ({dataset.card.source})", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("users", f"{dataset.n_users:,}")
    table.add_row("items", f"{dataset.n_items:,}")
    table.add_row("interactions", f"{dataset.interactions.height:,}")
    if len(lengths):
        table.add_row("a user, on average", f"{np.mean(lengths):.1f}")
        table.add_row("a user, median", f"{np.median(lengths):.0f}")
    table.add_row("fingerprint", dataset.fingerprint)
    return table


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=max(_NARROWEST, console.width))
