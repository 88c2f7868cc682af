"""A search for the settings of one system, on validation users alone.

Each trial is an ordinary run in `trials/<number>` that asks the validation questions in place of
the test's (``split.asks``): no test question is in any of its files. It takes over every stage
that an earlier trial has made of the same settings. Of a system that asks a model the pure one is
measured, without evidence and fusion: fusion is fitted on the very users that judge here.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gistrec.config.search import SearchRequest, Space, defaults_of, space_of
from gistrec.config.system import SystemConfig
from gistrec.config.variants import LEAN
from gistrec.data.dataset import open_dataset
from gistrec.errors import EngineError, GistrecError, RunError
from gistrec.evaluation.metrics import mean, metric_values
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.search import (
    SEARCH_FILE,
    Scalar,
    SearchRecord,
    SearchTrial,
    find_search,
    save_search,
)
from gistrec.files import fingerprint_of
from gistrec.pipeline.lending import note_lenders
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.search.draw import next_settings, require_optuna
from gistrec.pipeline.variants import Recipe
from gistrec.progress import say


class OtherSearchError(RunError):
    """A folder holds a search that was begun with something else."""


def search(
    recipe: Recipe,
    request: SearchRequest,
    folder: Path,
    space: Space | None = None,
    lenders: Sequence[Path] = (),
) -> SearchRecord:
    """Search for the settings of a system, or go on with that.

    Args:
        recipe: the system with its own settings, which are the first trial.
        request: the budget, and what is looked for.
        folder: of the search; holds ``search.json`` and the trials.
        space: what is tried; None for what comes with gistrec.
        lenders: run folders whose finished stages are taken over too.

    Returns:
        What was tried within the budget. A folder with more trials than that has them still.

    Raises:
        ConfigError: settings are refused, or the space does not fit the system.
        GistrecError: the system cannot be run with its own settings.
        RunError: another process searches here, or the folder holds something else.
    """
    space = searchable(recipe, space)
    config = recipe.config()
    refuse_other_folder(folder)
    with locked_run(folder):
        record = _begun(recipe, config, request, space, folder)
        while (now := record.within(request.trials, request.seconds_each)).ended_by is None:
            record = _one_more(record, recipe, request, space, folder, lenders)
        say(_told(now))
        return now


def searchable(recipe: Recipe, space: Space | None = None) -> Space:
    """What is tried of a system, refused at once where that could not be.

    Args:
        recipe: the system.
        space: None for what comes with gistrec.

    Raises:
        ConfigError: settings are refused, the space does not fit the system, or Optuna is absent.
    """
    space = space or space_of(recipe.system)
    defaults = defaults_of(space, recipe.config())
    for one in space.parameters:
        one.holding(defaults[one.setting])
    require_optuna()
    return space


def measured_system(recipe: Recipe) -> str:
    """The system whose ranks a search goes by."""
    config = recipe.config()
    return config.name if config.recommends else recipe.system


def trial_folder(folder: Path, number: int) -> Path:
    """Where the run of a trial lies."""
    return folder / "trials" / f"{number:03}"


def as_overrides(settings: Mapping[str, Scalar]) -> list[str]:
    """Settings as ``stage.key=value``, to lay over a system's own."""
    return [f"{setting}={json.dumps(value)}" for setting, value in settings.items()]


def _begun(
    recipe: Recipe, config: SystemConfig, request: SearchRequest, space: Space, folder: Path
) -> SearchRecord:
    """The record of the folder, if it is of this search; a new one where there is none."""
    dataset = open_dataset(recipe.dataset, config.dataset)
    decides = [
        _deciding(config),
        space,
        request.model_copy(update={"trials": 1, "seconds_each": None}),
    ]
    dumped = [part.model_dump(mode="json") for part in decides]
    mark = fingerprint_of([*dumped, dataset.fingerprint])
    record = find_search(folder)
    if record is not None and record.mark != mark:
        raise OtherSearchError(
            f"{folder / SEARCH_FILE} is of a search with other settings, other data or another "
            "seed: name another --out, or delete that folder"
        )
    return record or SearchRecord(
        system=recipe.system,
        dataset=dataset.card.name,
        metric=request.metric,
        protocol=request.protocol,
        seed=request.seed,
        searched=tuple(one.setting for one in space.parameters),
        most_trials=request.trials,
        most_seconds=request.seconds_each,
        mark=mark,
    )


def _deciding(config: SystemConfig) -> SystemConfig:
    """The configuration with everything at its default that changes no trial's value."""
    plain = SystemConfig(name=config.name)
    parts = ["evaluation", "evidence", "fusion"]
    parts += [] if config.recommends else ["gist", "taste", "recommender"]
    return config.model_copy(update={part: getattr(plain, part) for part in parts})


def _one_more(
    record: SearchRecord,
    recipe: Recipe,
    request: SearchRequest,
    space: Space,
    folder: Path,
    lenders: Sequence[Path],
) -> SearchRecord:
    """Make the next trial, or go on with the one that was interrupted."""
    tried = record.ended
    if len(tried) < len(record.trials):
        trial = record.trials[-1]
    else:
        drawn = next_settings(space, defaults_of(space, recipe.config()), tried, request.seed)
        trial = SearchTrial(number=len(tried), settings=drawn)
    save_search(record.model_copy(update={"trials": (*tried, trial)}), folder)
    say(f"{record.system}: trial {trial.number + 1} of {request.trials}: {_settings(trial)}")
    start, users = time.monotonic(), record.users
    try:
        value, users = _measured(recipe, request, trial, folder, lenders)
        ended = trial.model_copy(update={"state": "done", "value": value})
    except Exception as error:
        if _is_not_of_the_settings(error, trial):
            raise
        message = f"{type(error).__name__}: {error}"
        say(f"{record.system}: trial {trial.number + 1} failed: {message}")
        ended = trial.model_copy(update={"state": "failed", "message": message})
    finally:
        # Also of a trial that is interrupted here and goes on later.
        spent = round(trial.seconds + time.monotonic() - start, 3)
        trial = trial.model_copy(update={"seconds": spent})
        save_search(record.model_copy(update={"trials": (*tried, trial)}), folder)
    ended = ended.model_copy(update={"seconds": spent})
    grown = record.model_copy(update={"trials": (*tried, ended), "users": users})
    grown = grown.within(request.trials, request.seconds_each).model_copy(
        update={"trials": grown.trials}
    )
    save_search(grown, folder)
    if ended.value is not None:
        say(f"{record.system}: trial {ended.number + 1}: {request.metric} {ended.value:.4f}")
    return grown


def _measured(
    recipe: Recipe,
    request: SearchRequest,
    trial: SearchTrial,
    folder: Path,
    lenders: Sequence[Path],
) -> tuple[float, int]:
    """The metric of a trial on validation users, and how many these are."""
    run = trial_folder(folder, trial.number)
    earlier = [trial_folder(folder, number) for number in range(trial.number)]
    note_lenders(run, [*earlier, *lenders])
    lean = LEAN if recipe.config().recommends else (f"baselines.names=[{recipe.system}]",)
    recipe.make(
        run,
        *as_overrides(trial.settings),
        *lean,
        "split.asks=validation",
        f"evaluation.protocols=[{request.protocol}]",
    )
    ranks = load_ranks(run, measured_system(recipe), request.protocol)
    return mean(metric_values(ranks, request.metric)), len(ranks)


def _is_not_of_the_settings(error: Exception, trial: SearchTrial) -> bool:
    """Whether other settings would fare no better: a full disk, a silent server, a wrong input."""
    at_once = trial.number == 0 and isinstance(error, GistrecError)
    return at_once or isinstance(error, OSError | EngineError)


def _settings(trial: SearchTrial) -> str:
    return ", ".join(as_overrides(trial.settings)) or "nothing to set"


def _told(record: SearchRecord) -> str:
    best = record.best
    reached = "no trial was done" if best is None else f"best {best.value:.4f} by its own settings"
    if best is not None and best.number:
        reached = f"best {best.value:.4f} by trial {best.number + 1}"
    return (
        f"{record.system}: {len(record.ended)} trials in {record.seconds:.0f} s, {reached} "
        f"(ended by: {record.ended_by})"
    )
