"""Boards of a study as a person reads them: on a terminal, and as Markdown."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from gistrec import schema
from gistrec.evaluation.fitting import fitting
from gistrec.evaluation.row import Metric
from gistrec.evaluation.study import StudyRecord
from gistrec.evaluation.study_board import HEADLINE, StudyBoard, StudyLine
from gistrec.files import write_json, write_text

BOARD_PAGE = "leaderboard.md"
_FULL_COLUMNS = (HEADLINE, "HR@5")
_PLAIN_COLUMNS = ("MRR@5", "AUC")
_COLUMNS = ("system", "seeds", "users", *_FULL_COLUMNS, *_PLAIN_COLUMNS, "seconds")
_LEAST_FIRST = ("MRR@5", "AUC", "seconds", "users", "HR@5")
_BOARDS = TypeAdapter(list[StudyBoard])
_HOW = (
    "Figures are means over the questions of all seeds, with 95% bootstrap intervals over users; "
    "p-values behind the sentences are corrected for all pairs of a board (Holm). Seconds are, a "
    "run, those of all stages behind a system, shared ones included."
)


def publish_boards(boards: Sequence[StudyBoard], record: StudyRecord, study: Path) -> list[Path]:
    """Write ``leaderboard.json`` and ``leaderboard.md`` into a study's folder, atomically."""
    data, page = study / schema.LEADERBOARD_FILE, study / BOARD_PAGE
    write_json(data, _BOARDS.dump_python(list(boards), mode="json"))
    write_text(page, as_markdown(boards, record))
    return [data, page]


def board_table(board: StudyBoard, width: int | None = None) -> Table:
    """A board as a table, its failed runs at the end.

    ``width``: columns of a terminal, for which the least telling are left out.
    """
    return fitting(partial(_table, board), _LEAST_FIRST, width)


def as_markdown(boards: Sequence[StudyBoard], record: StudyRecord) -> str:
    """All boards and what is told about them, as one page."""
    parts = [f"# {record.title}", _HOW]
    for board in boards:
        parts.append(f"## {board.title}")
        rows = ["| " + " | ".join(_COLUMNS) + " |", "|---|" + "---:|" * (len(_COLUMNS) - 1)]
        rows += ["| " + " | ".join(map(_in_cell, cells)) + " |" for cells in _cells(board)]
        parts.append("\n".join(rows))
        parts.append("\n".join(f"- {line}" for line in (*board.told, *board.notes)))
    failed = [
        f"- {run.system} on {run.dataset}, seed {run.seed}: {_in_cell(run.message or '')}"
        for run in record.of("failed")
    ]
    if failed:
        parts += ["## Failed", "\n".join(failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(board: StudyBoard, out: Sequence[str]) -> Table:
    shown = [name for name in _COLUMNS if name not in out]
    table = Table(title=escape(board.title), title_justify="left", pad_edge=False)
    for name in shown:
        table.add_column(name, justify="left" if name == "system" else "right", no_wrap=True)
    for cells in _cells(board):
        given = dict(zip(_COLUMNS, cells, strict=True))
        table.add_row(*(escape(given[name]) for name in shown))
    return table


def _cells(board: StudyBoard) -> list[tuple[str, ...]]:
    """One row a system, then one a failed run."""
    lines = [_line(line) for line in board.lines]
    empty = ("",) * (len(_COLUMNS) - 4)
    return lines + [(run.system, str(run.seed), "", "failed", *empty) for run in board.failed]


def _line(line: StudyLine) -> tuple[str, ...]:
    metrics = line.row.metrics
    seconds = line.row.seconds
    return (
        line.row.system,
        ",".join(map(str, line.seeds)),
        f"{line.row.n_users:,}",
        *(_interval(metrics.get(name)) for name in _FULL_COLUMNS),
        *(f"{metrics[name].value:.3f}" if name in metrics else "" for name in _PLAIN_COLUMNS),
        "" if seconds is None else f"{seconds:,.0f}",
    )


def _interval(metric: Metric | None) -> str:
    if metric is None:
        return ""
    return f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}]"


def _in_cell(text: str) -> str:
    """A text on one line of Markdown, with nothing that ends a cell."""
    return " ".join(text.split()).replace("|", "\\|")
