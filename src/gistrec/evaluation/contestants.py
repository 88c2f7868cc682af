"""Who can be compared: the systems of run folders, each with its ranks under every seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec.config.seeds import seed_folders
from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.ranks import load_ranks


@dataclass(frozen=True)
class Contestant:
    """One system under one protocol.

    Attributes:
        name: the system's, followed by its folder's where several folders have it.
        ranks: one table a seed.
    """

    name: str
    ranks: tuple[pl.DataFrame, ...]


def contestants(folders: Sequence[Path], protocol: str) -> list[Contestant]:
    """Every system that was measured by ``protocol``, in the order of the leaderboards.

    Args:
        folders: of a run each, or of the runs of several seeds.
        protocol: which questions.

    Raises:
        RunError: a folder holds no leaderboard, nothing was measured so, or seeds differ.
    """
    found: list[tuple[Path, str, tuple[Path, ...]]] = []
    measured: dict[str, None] = {}
    for folder in dict.fromkeys(folders):
        runs = seed_folders(folder) or [folder]
        boards = [load_leaderboard(run) for run in runs]
        measured |= dict.fromkeys(row.protocol for board in boards for row in board)
        systems = [
            dict.fromkeys(row.system for row in board if row.protocol == protocol)
            for board in boards
        ]
        for name in systems[0]:
            if lacking := [run for run, has in zip(runs, systems, strict=True) if name not in has]:
                raise RunError(f"{lacking[0]} has no {name}, which {runs[0]} has: finish it first")
            found.append((folder, name, tuple(runs)))
    if not found:
        raise RunError(
            f"nothing was measured by {protocol!r}; these runs were measured by "
            f"{', '.join(measured) or 'nothing'}"
        )
    names = [name for _, name, _ in found]
    return [
        Contestant(
            f"{name} ({folder.resolve().name})" if names.count(name) > 1 else name,
            tuple(load_ranks(run, name, protocol) for run in runs),
        )
        for folder, name, runs in found
    ]
