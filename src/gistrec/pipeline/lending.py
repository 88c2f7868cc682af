"""Stages that another run has finished already are taken over instead of being made again.

A run notes the folders that lend to it. Files are hard links where the disk allows them: they take
no room, and since every file of a finished stage is replaced rather than written over, what the
lender does later does not reach the borrower.
"""

import os
import shutil
from collections.abc import Sequence
from json import JSONDecodeError
from pathlib import Path

from gistrec.errors import RunError
from gistrec.files import read_json, write_json
from gistrec.pipeline.manifest import Manifest, find_manifest
from gistrec.schema import MANIFEST_FILE

_NOTE = ".lenders.json"


def note_lenders(run: Path, lenders: Sequence[Path]) -> None:
    """Write into ``run`` which other run folders it may take finished stages from."""
    here = run.resolve()
    write_json(run / _NOTE, [os.path.relpath(lender.resolve(), here) for lender in lenders])


def noted_lenders(run: Path) -> list[Path]:
    """The folders that lend to ``run``; none where it notes none.

    Raises:
        RunError: the note is damaged.
    """
    try:
        return [(run / str(name)).resolve() for name in read_json(run / _NOTE)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError, JSONDecodeError, TypeError) as error:
        raise RunError(f"{run / _NOTE} is damaged: delete it and run again") from error


def borrow(run: Path, stage: str, fingerprint: str, into: Path) -> tuple[Path, Manifest] | None:
    """Put a lender's finished stage into the folder ``into``, if one has just this.

    Args:
        run: the borrower.
        stage: the stage's name.
        fingerprint: of what is wanted.
        into: replaced; its manifest comes last, so that half a stage never looks whole.

    Returns:
        The lender and the stage's manifest; None where nobody has it.
    """
    for lender in noted_lenders(run):
        found = find_manifest(lender / stage)
        if found is not None and found.fingerprint == fingerprint:
            _take(lender / stage, into)
            return lender, found
    return None


def _take(stage: Path, into: Path) -> None:
    shutil.rmtree(into, ignore_errors=True)
    take_files(stage, into)
    _link(stage / MANIFEST_FILE, into / MANIFEST_FILE)


def take_files(stage: Path, into: Path) -> None:
    """Put a finished stage's files, less its manifest, into a folder; those there are replaced."""

    def manifest(folder: str, _: list[str]) -> list[str]:
        return [MANIFEST_FILE] if Path(folder) == stage else []

    shutil.copytree(stage, into, copy_function=_link, ignore=manifest, dirs_exist_ok=True)


def _link(source: str | Path, target: str | Path) -> str:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
    return str(target)
