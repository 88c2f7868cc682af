"""Which of a run's systems a command asks."""

from typing import Annotated

import typer

System = Annotated[
    str | None,
    typer.Option(
        help="Which system of the run: mmsrarec, mmsrarec+evidence, mmsrarec+fusion; "
        "by default the one that knows the most."
    ),
]
