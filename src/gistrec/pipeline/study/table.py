"""What a study is expected to cost, and what failed in it, as tables on a terminal."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from gistrec.counted import counted
from gistrec.evaluation.fitting import narrowest_width
from gistrec.pipeline.study.estimate import RunEstimate, StageEstimate

_SHORTEST = 1.0  # second: quicker stages are only counted
_COLUMNS = ("dataset", "system", "seed", "makes", "shares", "expected")
_WRAPPED = {"makes": 32, "shares": 20}  # in fewer columns they are a tower of single words
_LEAST_FIRST = ("shares", "makes")
_CAPTION = "expected of two CPU cores, to a factor of two or so; what stands counts nothing"


def plan_table(estimates: Sequence[RunEstimate], title: str, width: int | None = None) -> Table:
    """One row a run: the stages that it makes with their seconds, and those that it shares.

    ``width``: columns of a terminal; where cells cannot be wrapped into so few, what is shared and
    then what is made are left out, as the caption says.
    """
    out: list[str] = []
    table = _table(estimates, title, out)
    for name in _LEAST_FIRST:
        if width is None or narrowest_width(table) <= width:
            break
        out.append(name)
        table = _table(estimates, title, out)
    return table


def _table(estimates: Sequence[RunEstimate], title: str, out: Sequence[str]) -> Table:
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    shown = [name for name in _COLUMNS if name not in out]
    rows = [_cells(part) for part in estimates]
    for name in shown:
        whole = max(cell_len(cells[name]) for cells in ({name: name}, *rows))
        table.add_column(
            name,
            justify="right" if name in ("seed", "expected") else "left",
            overflow="fold",
            no_wrap=name not in _WRAPPED,
            min_width=_WRAPPED.get(name, whole),
        )
    for at, (part, cells) in enumerate(zip(estimates, rows, strict=True)):
        last = at + 1 == len(estimates) or estimates[at + 1].run.seed != part.run.seed
        table.add_row(*(escape(cells[name]) for name in shown), end_section=last)
    table.caption = _CAPTION + (f"; too narrow for {', '.join(out)}" if out else "")
    table.caption_justify = "left"
    return table


def _cells(part: RunEstimate) -> dict[str, str]:
    run = part.run
    return {
        "dataset": run.dataset,
        "system": run.system,
        "seed": str(run.seed),
        "makes": _made(part.stages),
        "shares": ", ".join(stage.name for stage in part.stages if stage.shared),
        "expected": _span(part.left, part.known) if part.left or not part.known else "stands",
    }


def told_sum(estimates: Sequence[RunEstimate]) -> str:
    """A sentence: how many runs, how long all of them together."""
    left = sum(part.left for part in estimates)
    known = all(part.known for part in estimates)
    shared = sum(stage.shared for part in estimates for stage in part.stages)
    runs, stages = counted(len(estimates), "run"), counted(shared, "stage")
    told = f"{runs}, {stages} shared, {_span(left, known)} expected"
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
