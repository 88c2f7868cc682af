"""The command `gistrec`: what it offers, and how it ends when something is wrong."""

import errno
import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from gistrec.cli.bench import app as bench
from gistrec.cli.cache import app as cache
from gistrec.cli.compare import compare
from gistrec.cli.data import app as data
from gistrec.cli.demo import demo
from gistrec.cli.doctor import doctor
from gistrec.cli.evaluate import evaluate
from gistrec.cli.gist import gist
from gistrec.cli.leaderboard import leaderboard
from gistrec.cli.neighbours import neighbours
from gistrec.cli.prompt import prompt
from gistrec.cli.recommend import recommend
from gistrec.cli.report import report
from gistrec.cli.run import run
from gistrec.cli.search import search
from gistrec.cli.study import study
from gistrec.cli.taste import taste
from gistrec.errors import GistrecError

# Threads that wait for one another must soon sleep: beside another busy program, spinning made a
# training step several times slower. GNU OpenMP reads this when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

# What a folder, a disk or a right can refuse; no fault of the program.
_OF_THE_MACHINE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}

app = typer.Typer(
    name="gistrec",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data)
app.add_typer(cache)
app.command()(demo)
app.command()(run)
app.command()(search)
app.command()(recommend)
app.command()(neighbours)
app.command()(prompt)
app.command()(gist)
app.command()(taste)
app.command()(evaluate)
app.command()(leaderboard)
app.command()(compare)
app.command()(report)
app.command()(study)
app.add_typer(bench)
app.command()(doctor)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gistrec {metadata.version('gistrec')}")
        raise typer.Exit


@app.callback()
def gistrec(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which one."),
    ] = False,
) -> None:
    """Next-item recommendations by a multimodal language model, in words people can read."""


def main() -> None:
    """Run the command line and leave with its exit code.

    0: done. 1: the input or the run is at fault, or gistrec is. 2: wrong usage. 130: interrupted.
    """
    try:
        app()
    except Exception as error:
        if os.environ.get("GISTREC_DEBUG") == "1":
            raise
        if isinstance(error, GistrecError):
            typer.echo(f"gistrec: {error}", err=True)
            sys.exit(1)
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(f"gistrec: {where}{error.strerror}", err=True)
            sys.exit(1)
        typer.echo(
            f"gistrec: this is a fault of gistrec itself, not of your input: "
            f"{type(error).__name__}: {error}\n"
            "Set GISTREC_DEBUG=1 and run it again to see where it happened.",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
