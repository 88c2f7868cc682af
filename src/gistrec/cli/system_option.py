"""Which of a run's systems a command asks."""

from typing import Annotated

import typer

System = Annotated[
    str | None,
    typer.Option(
        help="Which system of the run: <system>, <system>+evidence or <system>+fusion, where "
        "<system> is the run's; by default the one that knows the most."
    ),
]
