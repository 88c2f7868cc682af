"""Searches of settings as a person reads them on a terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gistrec.evaluation.search import SearchRecord

_NONE = "-"


def search_table(records: Sequence[SearchRecord]) -> Table:
    """One row a system: what it was allowed and took, what its own settings and the best came to.

    ``records`` are of one dataset, metric and protocol.
    """
    first = records[0]
    title = f"{first.dataset}: {first.metric}, {first.protocol}, on {_users(records)}"
    table = Table(title=escape(title), title_justify="left", pad_edge=False)
    table.add_column("system", no_wrap=True)
    columns = ("searched", "trials", "failed", "seconds", "default", "best", "gain", "ended by")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for record in records:
        best = None if record.best is None else record.best.value
        gain = None if best is None or record.default is None else best - record.default
        table.add_row(
            escape(record.system),
            str(len(record.searched)),
            str(len(record.ended)),
            str(len(record.failed)),
            f"{record.seconds:.0f}",
            _value(record.default),
            _value(best),
            _NONE if gain is None else f"{gain:+.4f}",
            record.ended_by or "goes on",
        )
    table.caption = budget_told(first)
    return table


def settings_table(records: Sequence[SearchRecord]) -> Table:
    """One row a setting: the system's own value, and that of the best trial."""
    table = Table(title="the settings", title_justify="left", pad_edge=False)
    table.add_column("system", no_wrap=True)
    table.add_column("setting", no_wrap=True)
    for column in ("default", "best"):
        table.add_column(column, justify="right", no_wrap=True)
    for record in records:
        for setting, value in record.trials[0].settings.items():
            best = _NONE if record.best is None else f"{record.best.settings[setting]}"
            table.add_row(escape(record.system), escape(setting), escape(f"{value}"), escape(best))
    return table


def budget_told(record: SearchRecord) -> str:
    """What every system was allowed, in words."""
    trials = f"{record.most_trials} trial{'' if record.most_trials == 1 else 's'} a system"
    if record.most_seconds is None:
        return f"budget: {trials}, its own settings first"
    return (
        f"budget: {trials}, its own settings first, none begun after {record.most_seconds:g} s of "
        "trials"
    )


def _users(records: Sequence[SearchRecord]) -> str:
    asked = max(record.users for record in records)
    return f"{asked:,} validation users"


def _value(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4f}"
