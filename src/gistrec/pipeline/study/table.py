"""What a study is expected to cost, and what failed in it, as tables on a terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gistrec.pipeline.study.estimate import RunEstimate, StageEstimate

_SHORTEST = 1.0  # second: quicker stages are only counted


def plan_table(estimates: Sequence[RunEstimate], title: str) -> Table:
    """One row a run: the stages that it makes with their seconds, and those that it shares."""
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    for name in ("dataset", "system", "seed"):
        table.add_column(name, no_wrap=True, justify="right" if name == "seed" else "left")
    table.add_column("makes", overflow="fold", min_width=20)
    table.add_column("shares", overflow="fold", min_width=12)
    table.add_column("expected", justify="right", no_wrap=True)
    for at, part in enumerate(estimates):
        run = part.run
        last = at + 1 == len(estimates) or estimates[at + 1].run.seed != run.seed
        table.add_row(
            escape(run.dataset),
            escape(run.system),
            str(run.seed),
            _made(part.stages),
            ", ".join(stage.name for stage in part.stages if stage.shared),
            _span(part.left, part.known) if part.left or not part.known else "stands",
            end_section=last,
        )
    table.caption = (
        "expected of two CPU cores, to a factor of two or so; what stands counts nothing"
    )
    return table


def told_sum(estimates: Sequence[RunEstimate]) -> str:
    """A sentence: how many runs, how long all of them together."""
    left = sum(part.left for part in estimates)
    known = all(part.known for part in estimates)
    shared = sum(stage.shared for part in estimates for stage in part.stages)
    told = f"{len(estimates)} runs, {shared} stages shared, {_span(left, known)} expected"
    if known:
        return told
    return f"{told}; stages of a named backbone are not in it, nobody has measured them yet"


def _made(stages: Sequence[StageEstimate]) -> str:
    own = [stage for stage in stages if not stage.shared]
    long = [stage for stage in own if stage.seconds is None or stage.seconds >= _SHORTEST]
    told = [f"{stage.name} {_of(stage)}" for stage in long]
    if quick := len(own) - len(long):
        told.append(f"{quick} of under a second")
    return ", ".join(told)


def _of(stage: StageEstimate) -> str:
    if stage.stands:
        return "(stands)"
    return "?" if stage.seconds is None else _span(stage.seconds)


def _span(seconds: float, known: bool = True) -> str:
    more = "" if known else "at least "
    if seconds < 90:
        return f"{more}{seconds:.0f} s"
    return f"{more}{seconds / 60:.0f} min" if seconds < 5400 else f"{more}{seconds / 3600:.1f} h"
