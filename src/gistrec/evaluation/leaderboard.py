"""Leaderboards on disk: rows of a run, and rows of many runs that may stand in one table."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter, ValidationError

from gistrec import schema
from gistrec.config.seeds import refuse_folder_of_seeds
from gistrec.errors import RunError
from gistrec.evaluation.row import Row
from gistrec.files import read_json, write_json

_ROWS = TypeAdapter(list[Row])


def save_leaderboard(rows: Iterable[Row], run: Path) -> Path:
    """Write the rows of a run folder, atomically, and return the file's path."""
    target = run / schema.LEADERBOARD_FILE
    write_json(target, [row.model_dump(mode="json") for row in rows])
    return target


def load_leaderboard(run: Path) -> list[Row]:
    """Read the rows of a run folder.

    Raises:
        RunError: the file is missing or is not a leaderboard, or the folder is one of seeds.
    """
    refuse_folder_of_seeds(run)
    source = run / schema.LEADERBOARD_FILE
    try:
        return _ROWS.validate_python(read_json(source))
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise RunError(
            f"{source} is missing; finish the run first: give its `gistrec run` command (again)"
        ) from fault
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise RunError(f"{source} is not readable JSON ({fault}); evaluate the run again") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunError(f"{source}: row {where}: {first['msg']}; evaluate the run again") from None


def add_rows(rows: Sequence[Row], run: Path) -> list[Row]:
    """Add rows to a run's leaderboard; a row for the same system and protocol is replaced.

    Raises:
        RunError: the run's leaderboard is of another split, or unreadable.
    """
    there = load_leaderboard(run) if (run / schema.LEADERBOARD_FILE).is_file() else []
    merged = list({row.key: row for row in (*there, *rows)}.values())
    _refuse_mixture([(run, row) for row in merged])
    save_leaderboard(merged, run)
    return merged


def read_leaderboard(runs: Sequence[Path]) -> list[Row]:
    """Read the rows of many run folders as one table; a system that did the same is shown once.

    It did where all metrics and strata of the protocols that both runs have agree; seconds and
    memory are the first run's. Where runs differ in a system, its name is followed by the run's.

    Raises:
        RunError: there are no runs, one cannot be read, or their splits differ.
    """
    if not runs:
        raise RunError("no run folder was given; name at least one")
    loaded = {run: load_leaderboard(run) for run in runs}
    _refuse_mixture([(run, row) for run, rows in loaded.items() for row in rows])
    versions: dict[_System, list[_Version]] = {}
    for run, rows in loaded.items():
        for system, measured in _by_system(rows).items():
            known = versions.setdefault(system, [])
            same = next((version for version in known if version.agrees(measured)), None)
            if same is None:
                known.append(_Version(run, measured))
            else:
                same.rows.update({**measured, **same.rows})
    names = Counter(run.resolve().name for run in loaded)
    return [
        row
        if len(known) == 1
        else _of_run(row, version.run, names[version.run.resolve().name] == 1)
        for known in versions.values()
        for version in known
        for row in version.rows.values()
    ]


_System = tuple[str, tuple[int, ...]]  # name and seeds


@dataclass(frozen=True)
class _Version:
    """What a system came to in a run, and in others that agree with it.

    Attributes:
        run: the first that has it.
        rows: by protocol.
    """

    run: Path
    rows: dict[str, Row]

    def agrees(self, measured: Mapping[str, Row]) -> bool:
        """Whether rows of the same system are the same but for their cost."""
        both = self.rows.keys() & measured.keys()
        return all(_less_cost(self.rows[name]) == _less_cost(measured[name]) for name in both)


def _by_system(rows: Iterable[Row]) -> dict[_System, dict[str, Row]]:
    found: dict[_System, dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row.system, row.seeds), {})[row.protocol] = row
    return found


def _less_cost(row: Row) -> Row:
    return row.model_copy(update={"seconds": None, "peak_mib": None})


def _of_run(row: Row, run: Path, short: bool) -> Row:
    """The row of a system that other runs have too."""
    name = run.resolve().name if short else str(run)
    return row.model_copy(update={"system": f"{row.system} ({name})"})


def as_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """The rows as a flat table: a metric in three columns, ``HR@5``, ``HR@5 low``, ``HR@5 high``.

    Strata follow as rows of their own, told apart by the columns ``stratified`` and ``stratum``
    (null for all users).
    """
    flat = []
    for row in rows:
        head = row.model_dump(exclude={"metrics", "strata", "n_users", "seeds"})
        head["seeds"] = list(row.seeds)
        parts = [(None, None, row.n_users, row.metrics)] + [
            (name, label, part.n_users, part.metrics)
            for name, labels in row.strata.items()
            for label, part in labels.items()
        ]
        for name, label, n_users, metrics in parts:
            line = head | {"stratified": name, "stratum": label, "n_users": n_users}
            for metric, found in metrics.items():
                line |= {metric: found.value, f"{metric} low": found.low}
                line |= {f"{metric} high": found.high}
            flat.append(line)
    return pl.DataFrame(flat, infer_schema_length=None)


def _refuse_mixture(found: list[tuple[Path, Row]]) -> None:
    """Refuse rows of different splits, and say what differs where."""
    splits: dict[str, tuple[Path, Row]] = {}
    for run, row in found:
        splits.setdefault(row.split_fingerprint, (run, row))
    if len(splits) > 1:
        lines = "; ".join(
            f"{run}: dataset {row.dataset!r}, split {row.split!r}, fingerprint {mark}"
            for mark, (run, row) in splits.items()
        )
        raise RunError(
            f"these runs were measured on different splits and cannot be compared: {lines}. "
            "Show them apart, or run them again on one split"
        )
