"""One stage of a run: skipped where its result stands, resumed where it was interrupted.

A finished stage is the folder ``run/<name>`` with a manifest in it; it appears there whole, by one
rename. Until then the work lies in ``run/.<name>.partial``, beside an intent that says for which
configuration and inputs it is made. A build function finds in that folder whatever an interrupted
attempt of the same intent has left, and goes on from there. A stage that another run lends is
taken over instead (``pipeline.lending``).
"""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from json import JSONDecodeError
from pathlib import Path

from pydantic import BaseModel

from gistrec import schema
from gistrec.errors import RunError
from gistrec.files import fingerprint_of, read_json, write_json
from gistrec.pipeline.lending import borrow
from gistrec.pipeline.lock import locked_run
from gistrec.pipeline.manifest import (
    Facts,
    Manifest,
    find_manifest,
    installed_versions,
    write_manifest,
)
from gistrec.pipeline.memory import forget_peak, peak_mib
from gistrec.progress import say

_INTENT_FILE = "intent.json"
Build = Callable[[Path], Facts | None]


@dataclass(frozen=True)
class _Intent:
    """What a partial folder is for, and what it has cost so far."""

    fingerprint: str
    attempts: int
    seconds: float  # of attempts that ended
    started: float | None  # wall clock of the attempt under way, or of one that was killed


def run_stage(
    run: Path,
    name: str,
    config: BaseModel,
    inputs: Mapping[str, str],
    build: Build,
    *,
    code: str = "1",
) -> Path:
    """Make sure that stage ``name`` of ``run`` is done for this config and these inputs.

    Args:
        run: the run's folder; made where absent.
        name: the stage, and its folder in the run.
        config: everything a person can choose that decides the stage's result.
        inputs: fingerprints of what the stage reads, by name (`stage_fingerprint` of an earlier
            stage, a dataset's or a split's own); a change in one makes the stage run again.
        build: fills the folder it is given; what it returns becomes the manifest's facts. It may
            find there what an interrupted attempt left.
        code: version of the stage's code; raise it where the result changes in meaning.

    Returns:
        The stage's folder, ``run / name``.

    Raises:
        RunError: another process works in this run, a manifest is damaged, or a folder that is
            no stage stands where the stage belongs.
    """
    folder, partial = run / name, partial_folder(run, name)
    dumped = config.model_dump(mode="json")
    fingerprint = fingerprint_of([name, dumped, dict(inputs), code])
    with locked_run(run):
        standing = find_manifest(folder)
        if standing is not None:
            shutil.rmtree(_replaced(folder), ignore_errors=True)  # a kill may have left it
        if standing is not None and standing.fingerprint == fingerprint:
            say(f"{name}: stands already ({standing.seconds:.0f} s)")
            return folder
        if standing is None and folder.exists():
            message = f"{folder} is in the way of stage {name!r} and is not one: name another --run"
            raise RunError(message)
        made = find_manifest(partial)
        unmade = made is None or made.fingerprint != fingerprint
        if unmade and (borrowed := borrow(run, name, fingerprint, partial)) is not None:
            lender, made = borrowed
            _publish(partial, folder)
            say(f"{name}: taken over from {lender} ({made.seconds:.0f} s)")
            return folder
        if made is None or made.fingerprint != fingerprint:
            intent, facts = _attempt(partial, name, fingerprint, build)
            made = Manifest(
                stage=name,
                fingerprint=fingerprint,
                config=dumped,
                inputs=dict(inputs),
                code=code,
                seconds=round(intent.seconds, 3),
                attempts=intent.attempts,
                peak_mib=round(peak_mib(), 1),
                versions=installed_versions(),
                facts=dict(facts),
            )
            write_manifest(partial, made)
        _publish(partial, folder)
        say(f"{name}: done in {made.seconds:.0f} s, {made.peak_mib:.0f} MiB")
    return folder


def partial_folder(run: Path, name: str) -> Path:
    """Where the unfinished work of a stage lies."""
    return run / f".{name}.partial"


def _attempt(partial: Path, name: str, fingerprint: str, build: Build) -> tuple[_Intent, Facts]:
    """Build in ``partial``, from what is there if it was meant for this, else from nothing."""
    earlier = _intent_in(partial)
    meant = earlier is not None and earlier.fingerprint == fingerprint
    if earlier is None or not meant:
        earlier = _Intent(fingerprint, 0, 0.0, None)
    spent = earlier.seconds + _lost_seconds(partial, earlier)
    if meant and _holds_work(partial):
        say(f"{name}: goes on from where it was interrupted")
    else:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        again = "starts again: it was interrupted before anything was kept"
        say(f"{name}: {again if meant else 'starts'}")
    intent = _Intent(fingerprint, earlier.attempts + 1, spent, time.time())
    _write_intent(partial, intent)
    forget_peak()
    start = time.monotonic()
    try:
        facts = build(partial)
    except BaseException as error:
        ended = _Intent(fingerprint, intent.attempts, spent + time.monotonic() - start, None)
        _write_intent(partial, ended)
        if isinstance(error, KeyboardInterrupt):
            say(f"{name}: interrupted; run the same command again to continue")
        raise
    return _Intent(
        fingerprint, intent.attempts, spent + time.monotonic() - start, None
    ), facts or {}


def _publish(partial: Path, folder: Path) -> None:
    """Move a finished ``partial`` to ``folder``; what stood there goes once the new one stands."""
    aside = _replaced(folder)
    (partial / _INTENT_FILE).unlink(missing_ok=True)
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
    partial.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _intent_in(partial: Path) -> _Intent | None:
    try:
        return _Intent(**read_json(partial / _INTENT_FILE))
    except (FileNotFoundError, NotADirectoryError, JSONDecodeError, TypeError):
        return None  # nothing there, or not ours: such work cannot be trusted


def _write_intent(partial: Path, intent: _Intent) -> None:
    write_json(partial / _INTENT_FILE, asdict(intent))


def _holds_work(partial: Path) -> bool:
    """Whether there is a whole file that a build may go on from."""
    files = (path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
    return any(
        file.name != _INTENT_FILE
        and file.parts[0] != schema.TENSORBOARD_FOLDER
        and not any(part.startswith(".") for part in file.parts)  # written aside, never finished
        for file in files
    )


def _lost_seconds(partial: Path, intent: _Intent) -> float:
    """Seconds of an attempt that was killed, up to the last file it wrote."""
    if intent.started is None:
        return 0.0
    written = (path.stat().st_mtime for path in partial.rglob("*") if path.name != _INTENT_FILE)
    return max(0.0, max(written, default=0.0) - intent.started)
