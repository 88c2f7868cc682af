"""Rows of a report: a run's leaderboard, or one over the runs of several seeds."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from gistrec.config.evaluation import EvaluationConfig
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.row import Measured, Row, make_row
from gistrec.pipeline.manifest import find_manifest
from gistrec.progress import track

_FUSED = "+fusion"


def rows_of(folders: Sequence[Path]) -> list[Row]:
    """The rows of a run; of several seeds those that all have, over the questions of all.

    A user who was asked under several seeds is drawn with all of these questions, so that
    intervals speak of users; seconds are the mean of a run.

    Raises:
        RunError: a folder has no leaderboard, or lacks its ranks.
    """
    found = [load_leaderboard(folder) for folder in folders]
    if len(found) == 1:
        return found[0]
    keyed = [{(row.system, row.protocol): row for row in rows} for rows in found]
    shared = [key for key in keyed[0] if all(key in rows for rows in keyed)]
    return [
        over_seeds([rows[key] for rows in keyed], folders)
        for key in track(shared, "measuring over seeds")
    ]


def over_seeds(rows: Sequence[Row], folders: Sequence[Path]) -> Row:
    """One row over the questions of all seeds, out of a system's row in each of their runs.

    Raises:
        RunError: a folder lacks its ranks.
    """
    if len(rows) == 1:
        return rows[0]
    first = rows[0]
    ranks = [
        load_ranks(folder, row.system, row.protocol)
        for folder, row in zip(folders, rows, strict=True)
    ]
    seconds = [row.seconds for row in rows if row.seconds is not None]
    memory = [row.peak_mib for row in rows if row.peak_mib is not None]
    measured = Measured(
        system=first.system,
        dataset=first.dataset,
        split=first.split,
        split_fingerprint=first.split_fingerprint,
        protocol=first.protocol,
        seeds=tuple(dict.fromkeys(seed for row in rows for seed in row.seeds)),
        seconds=sum(seconds) / len(seconds) if seconds else None,
        peak_mib=max(memory, default=None),
    )
    return make_row(pl.concat(ranks), measured, EvaluationConfig())


def entrants_of(run: Path, rows: Sequence[Row]) -> Entrants:
    """Whose the systems are: a run's own are those whose measurement asked its backbone.

    A baseline may read item vectors of the backbone's and is none of them.
    """
    names = dict.fromkeys(row.system.partition("@")[0] for row in rows)
    return Entrants(tuple(name for name in names if _asks_the_model(run, name)))


def answering_seconds(folders: Sequence[Path], systems: Iterable[str]) -> dict[str, float]:
    """Seconds that each system's measurement took a question, where its stage is there.

    A question is counted once a seed and protocol. A fused system reads the scores of the one it
    fuses, so that one's seconds count too.
    """
    known = ((system, seconds_a_question(folders, system)) for system in systems)
    return {system: seconds for system, seconds in known if seconds is not None}


def seconds_a_question(folders: Sequence[Path], system: str) -> float | None:
    """The same of one system, over all folders that tell it; None where none does."""
    taken, asked = 0.0, 0
    for folder in folders:
        rows = [row for row in load_leaderboard(folder) if row.system == system]
        seconds = _answering(folder, system)
        if rows and seconds is not None:
            taken += seconds
            asked += sum(row.n_users for row in rows)
    return taken / asked if asked else None


def _answering(run: Path, system: str) -> float | None:
    manifest = find_manifest(run / f"evaluation-{system}")
    if manifest is None:
        return None
    if not system.endswith(_FUSED):
        return manifest.seconds
    told = "+evidence" if "recommender-evidence" in manifest.inputs else ""
    inner = find_manifest(run / f"evaluation-{system.removesuffix(_FUSED)}{told}")
    return manifest.seconds + (inner.seconds if inner else 0.0)


def _asks_the_model(run: Path, system: str) -> bool:
    manifest = find_manifest(run / f"evaluation-{system}")
    inputs = {} if manifest is None else manifest.inputs
    return "backbone" in inputs and f"baseline-{system}" not in inputs
