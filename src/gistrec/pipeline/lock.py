"""One process at a time in a run folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gistrec import schema
from gistrec.errors import RunError

_LOCK_FILE = ".lock"
_held: set[Path] = set()  # folders this process has locked: flock would refuse them to itself


@contextmanager
def locked_run(run: Path) -> Iterator[None]:
    """Hold ``run`` for this process; nested use within the process is free.

    The system lets go of the lock when the process ends, however it ends, so that a killed run
    leaves nothing to clean up.

    Raises:
        RunError: another process holds it, or the folder cannot be made.
    """
    folder = _made(run)
    if folder in _held:
        yield
        return
    with (folder / _LOCK_FILE).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another gistrec is working in this run ({run}): wait for it or stop it"
            raise RunError(message) from error
        _held.add(folder)
        try:
            yield
        finally:
            _held.remove(folder)


def refuse_other_folder(run: Path) -> None:
    """Leave a folder alone that holds something else, a dataset above all.

    Raises:
        RunError: ``run`` is not empty, and no run was ever begun in it.
    """
    if not run.is_dir() or (run / _LOCK_FILE).exists() or (run / schema.CONFIG_FILE).exists():
        return
    if any(not entry.name.startswith(".") for entry in run.iterdir()):
        raise RunError(f"{run} holds something that is not a run: name a new or an empty --run")


def _made(run: Path) -> Path:
    try:
        run.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        message = f"{run} cannot be a run folder, for a file is in the way: name another --run"
        raise RunError(message) from error
    return run.resolve()
