"""How far a run is: which stages are done, which are under way, which have to be made again."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gistrec.errors import RunError
from gistrec.pipeline.manifest import Manifest, find_manifest

_PARTIAL = re.compile(r"\.(?P<name>.+)\.partial")


@dataclass(frozen=True)
class StageState:
    """One stage of a run.

    Attributes:
        name: the stage.
        state: done; partial: begun and not finished; stale: done, but from an input that has
            changed since, so that the next run makes it again.
        size_mib: what its folder holds on disk.
        seconds: what it took, where it is done.
        note: why it is not just done; else empty.
    """

    name: str
    state: Literal["done", "partial", "stale"]
    size_mib: float
    seconds: float | None
    note: str


def stage_states(run: Path) -> list[StageState]:
    """Every stage that has a folder in ``run``, in the order in which they were finished.

    Raises:
        RunError: there is no such folder, or a manifest in it is damaged.
    """
    if not run.is_dir():
        message = f"there is no run folder {run}"
        raise RunError(message)
    manifests = _manifests(run)
    states = [_finished(run / name, manifests) for name in manifests]
    for folder in sorted(run.iterdir()):
        if named := _PARTIAL.fullmatch(folder.name):
            note = "interrupted or under way: the same command goes on from there"
            states.append(StageState(named["name"], "partial", _size(folder), None, note))
    return states


def _manifests(run: Path) -> dict[str, Manifest]:
    found = [
        (folder.stat().st_mtime, folder.name, manifest)
        for folder in run.iterdir()
        if not folder.name.startswith(".") and (manifest := find_manifest(folder)) is not None
    ]
    return {name: manifest for _, name, manifest in sorted(found, key=lambda entry: entry[:2])}


def _finished(folder: Path, manifests: dict[str, Manifest]) -> StageState:
    manifest = manifests[folder.name]
    changed = [
        name
        for name, fingerprint in manifest.inputs.items()
        if name in manifests and manifests[name].fingerprint != fingerprint
    ]
    note = f"made from an earlier {' and '.join(changed)}: run again" if changed else ""
    state: Literal["done", "stale"] = "stale" if changed else "done"
    return StageState(folder.name, state, _size(folder), manifest.seconds, note)


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024**2
