"""A study at work: one run after the other, each taking over what an earlier one has finished.

``study.json`` in its folder is written anew before and after every run, so that whoever looks, or
starts the same command again, finds how far it is. A run that fails takes no other with it.
"""

import gc
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import GistrecError
from gistrec.evaluation.study import (
    State,
    StudyDataset,
    StudyRecord,
    StudyRun,
    find_study,
    save_study,
)
from gistrec.files import write_text
from gistrec.pipeline.lending import note_lenders
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.manifest import Manifest
from gistrec.pipeline.outdated import outdated_stages
from gistrec.pipeline.states import finished_stages, missing_stages
from gistrec.pipeline.study.estimate import RunEstimate
from gistrec.pipeline.study.plan import PlannedRun, StudyPlan
from gistrec.pipeline.study.search import first_trials
from gistrec.progress import say, track

_FAULTS = "faults"  # folder of what a programmer wants to know of unexpected failures


def run_study(plan: StudyPlan, estimates: Sequence[RunEstimate]) -> StudyRecord:
    """Make every run of a study that does not stand, or go on with that.

    Args:
        plan: the study.
        estimates: of its runs, in their order.

    Returns:
        What became of each. A failed run is among them, with why; the next start tries it again.

    Raises:
        RunError: another process works in the folder, or it holds something else.
        DataError: a bazaar cannot be made.
    """
    refuse_other_folder(plan.folder)
    with locked_run(plan.folder):
        for place in plan.datasets:
            place.make()
        record = _saved(_begun(plan, estimates), plan)
        numbers = {run.folder: number for number, run in enumerate(plan.runs, start=1)}
        left = [run for run in plan.runs if run.folder in {part.folder for part in record.left()}]
        for run in track(left, f"study {plan.name}"):
            of = f"{numbers[run.folder]} of {len(numbers)}"
            what = f"run {of}, {run.system} on {run.dataset}, seed {run.seed}"
            record = _attempted(plan, record, run, what)
        return record


def _attempted(plan: StudyPlan, record: StudyRecord, run: PlannedRun, what: str) -> StudyRecord:
    """The record after a run was made, or failed."""
    folder, fault = plan.folder / run.folder, _fault_file(plan, run)
    fault.unlink(missing_ok=True)
    record = _saved(record.changed(run.folder, state="running", message=None), plan)
    say(f"{what}: begins")
    started = time.monotonic()
    try:
        note_lenders(folder, _lenders(plan, run))
        run.recipe.make(folder)
    except KeyboardInterrupt:
        _saved(record.changed(run.folder, state="waiting"), plan)
        say(f"{what}: interrupted; give the same command again to go on")
        raise
    except Exception as error:  # whatever it is, the other systems are no less worth running
        if not isinstance(error, GistrecError):
            write_text(fault, "".join(traceback.format_exception(error)))
        message, seconds = _told(error, fault), round(time.monotonic() - started, 1)
        say(f"{what}: failed after {seconds:.0f} s: {message}")
        failed = record.changed(run.folder, state="failed", message=message, seconds=seconds)
        return _saved(failed, plan)
    finally:
        gc.collect()  # the models of one run are not to stand in the way of the next
    entry = next(part for part in record.runs if part.folder == run.folder)
    done = _done(plan, run, entry.estimated_seconds)
    expected = "" if done.estimated_seconds is None else f", {done.estimated_seconds:.0f} expected"
    say(f"{what}: done in {done.seconds:.0f} s{expected}; {len(done.reused)} stages shared")
    return _saved(record.replaced(done), plan)


def _begun(plan: StudyPlan, estimates: Sequence[RunEstimate]) -> StudyRecord:
    """The record of a study that begins or goes on: what stands is done, all else waits.

    What is taken over from a run that waits waits too: that one may come to something else.
    """
    earlier = find_study(plan.folder)
    known = {run.folder: run for run in earlier.runs} if earlier else {}
    runs, left = [], set[Path]()
    for run, expected in zip(plan.runs, estimates, strict=True):
        seconds = round(expected.seconds, 1) if expected.known else None
        folder = plan.folder / run.folder
        if run.config.recommender.from_run not in left and _stands(folder, run.config):
            before = known.get(run.folder)
            runs.append(_done(plan, run, before.estimated_seconds if before else None))
        else:
            left.add(folder.resolve())
            runs.append(_entry(run, "waiting", estimated_seconds=seconds))
    return StudyRecord(
        name=plan.name,
        title=plan.title,
        datasets=tuple(
            StudyDataset(name=place.name, path=str(place.folder.resolve()))
            for place in plan.datasets
        ),
        runs=tuple(runs),
        searches=plan.searches,
        estimated_seconds=round(
            sum(
                part.seconds if run.estimated_seconds is None else run.estimated_seconds
                for run, part in zip(runs, estimates, strict=True)
            ),
            1,
        ),
    )


def _done(plan: StudyPlan, run: PlannedRun, expected: float | None) -> StudyRun:
    """A finished run, with the seconds of the stages that it made itself."""
    made, reused = _made_and_reused(plan, run)
    seconds = round(sum(manifest.seconds for manifest in made), 1)
    return _entry(run, "done", seconds=seconds, estimated_seconds=expected, reused=tuple(reused))


def _entry(
    run: PlannedRun,
    state: State,
    *,
    seconds: float | None = None,
    estimated_seconds: float | None = None,
    reused: tuple[str, ...] = (),
) -> StudyRun:
    return StudyRun(
        dataset=run.dataset,
        system=run.system,
        seed=run.seed,
        folder=run.folder,
        state=state,
        seconds=seconds,
        estimated_seconds=estimated_seconds,
        reused=reused,
    )


def _stands(folder: Path, config: SystemConfig) -> bool:
    """Whether a run is finished just as it is planned, told without opening its dataset."""
    file = folder / schema.CONFIG_FILE
    if not file.is_file() or not (folder / schema.LEADERBOARD_FILE).is_file():
        return False
    try:
        same = load_config(SystemConfig, file=file) == config
        return same and not missing_stages(folder) and not outdated_stages(folder)
    except GistrecError:
        return False  # damaged: the run itself tells what is to be done


def _lenders(plan: StudyPlan, run: PlannedRun) -> list[Path]:
    """Every other run on the same data with the same seed, and the searches' first trials."""
    runs = [
        plan.folder / other.folder
        for other in plan.runs
        if (other.dataset, other.seed) == (run.dataset, run.seed) and other.folder != run.folder
    ]
    return [*runs, *first_trials(plan, run.dataset)]


def _made_and_reused(plan: StudyPlan, run: PlannedRun) -> tuple[list[Manifest], list[str]]:
    """The stages that a run made itself, and those that it shares with a run before it.

    A stage that is taken over brings its manifest, so that equal ones are one piece of work.
    """
    mine = finished_stages(plan.folder / run.folder)
    theirs: list[Manifest] = []
    for other in plan.runs[: plan.runs.index(run)]:
        folder = plan.folder / other.folder
        if (other.dataset, other.seed) == (run.dataset, run.seed) and folder.is_dir():
            theirs += finished_stages(folder).values()
    reused = [name for name, manifest in mine.items() if manifest in theirs]
    return [found for name, found in mine.items() if name not in reused], reused


def _saved(record: StudyRecord, plan: StudyPlan) -> StudyRecord:
    save_study(record, plan.folder)
    return record


def _fault_file(plan: StudyPlan, run: PlannedRun) -> Path:
    return plan.folder / _FAULTS / f"{'-'.join(Path(run.folder).parts[1:])}.txt"


def _told(error: Exception, fault: Path) -> str:
    if isinstance(error, GistrecError):
        return str(error)
    told = "not enough memory" if isinstance(error, MemoryError) else type(error).__name__
    what = f"{told}: {error}" if str(error) else told
    return f"{what} (where it happened is in {_FAULTS}/{fault.name})"
