"""`gistrec demo`: the main job on the bazaar, start to leaderboard."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from gistrec.cli.run import Overrides


def demo(
    run_folder: Annotated[
        Path, typer.Option("--run", metavar="DIR", help="Folder of the run; continued if it is.")
    ] = Path("runs/demo"),
    overrides: Overrides = None,
) -> None:
    """Make a bazaar, run mmsrarec and all baselines on it, recommend for one of its users."""
    from gistrec.cli.output import print_leaderboard, tell_of_fusion, wide_console
    from gistrec.config.bazaar import BazaarConfig
    from gistrec.data.bazaar.make import write_bazaar
    from gistrec.pipeline.recommend import Recommendations
    from gistrec.pipeline.run import run_system
    from gistrec.progress import say

    bazaar = run_folder.with_name(f"{run_folder.name}-bazaar")
    say(f"demo: a bazaar in {bazaar}")
    write_bazaar(bazaar, BazaarConfig())
    profile = resources.files("gistrec.config").joinpath("profiles", "small.yaml")
    with resources.as_file(profile) as file:
        done = run_system(
            "mmsrarec", bazaar, run_folder, config_file=file, overrides=overrides or []
        )
    print_leaderboard(done.rows)
    tell_of_fusion(run_folder, done.rows)
    found = Recommendations.open(run_folder)
    user = found.some_user()
    answer = found.recommend(user, 5)
    wide_console().print(answer.table())
    typer.echo(f"\n{answer.why()}")
    say(
        f"next: gistrec recommend --run {run_folder} --user {user}, "
        f"gistrec leaderboard {run_folder}, gistrec data show {bazaar} --out bazaar.png"
    )
