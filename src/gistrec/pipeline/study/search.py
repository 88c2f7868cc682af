"""Searches before the runs of a study: each system's settings, on validation users alone.

They are made under the study's first seed, and what they find is laid over the runs of all. What
was found of a baseline is known to every system that is searched after it, and to its runs: so a
system whose similar users are found by SASRec goes by the very SASRec that it is compared with.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gistrec.config.search import Scalar
from gistrec.config.study import StudyConfig, StudySearchConfig, as_folder
from gistrec.config.system import SystemConfig
from gistrec.config.variants import written_value
from gistrec.errors import GistrecError
from gistrec.evaluation.study import StudySearch
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.search.search import (
    OtherSearchError,
    as_overrides,
    search,
    searchable,
    trial_folder,
)
from gistrec.pipeline.study.plan import PlannedRun, StudyPlan
from gistrec.progress import say

_SEARCHES = "searches"
Settings = Mapping[str, Scalar]


def told_search(config: StudyConfig) -> list[str]:
    """What is searched before the runs, in words; nothing where nothing is."""
    if config.search is None:
        return []
    named, trials = _searched(config, config.search), config.search.trials
    budget = f"{trials} trial{'s' if trials > 1 else ''}"
    if config.search.seconds_each is not None:
        budget += f" or {config.search.seconds_each:g} s"
    return [f"searched first, {budget} each, not in the sum: {', '.join(named)}"]


def search_study(config: StudyConfig, plan: StudyPlan) -> StudyPlan:
    """Search for the settings that the study asks for, or go on with that; the plan with them.

    A search that cannot begin takes nothing else with it: it is told of, with no trial in the
    record, and its system keeps its own settings. One that was begun with other settings ends the
    study before it makes anew, without what was found, what stands.

    Raises:
        ConfigError: nothing says what to search of a system.
        RunError: another process works in the folder, or it holds something else, or a search of
            another study.
        DataError: a bazaar cannot be made.
    """
    if config.search is None:
        return plan
    firsts = _first_runs(plan)
    for label in _searched(config, config.search):
        for place in plan.datasets:
            if (place.name, label) in firsts:
                searchable(firsts[place.name, label].recipe)
    refuse_other_folder(plan.folder)
    with locked_run(plan.folder):
        for place in plan.datasets:
            place.make()
            plan = _of_dataset(config, config.search, plan, place.name)
    return plan


def first_trials(plan: StudyPlan, dataset: str) -> list[Path]:
    """The runs of the searches' own settings, which have stages that do not hang on a split."""
    return sorted(plan.folder.glob(f"{_SEARCHES}/{dataset}/*/{trial_folder(Path(), 0)}"))


def _searched(config: StudyConfig, asked: StudySearchConfig) -> list[str]:
    """The labels that are searched, baselines first."""
    taken = [system.name for system in config.systems if system.from_run is not None]
    named = asked.systems or tuple(label for label in config.labels if label not in taken)
    return [label for label in config.labels if label in named]


def _first_runs(plan: StudyPlan) -> dict[tuple[str, str], PlannedRun]:
    """The run of each label on each dataset that is planned first: that of the first seed."""
    return {(run.dataset, run.system): run for run in reversed(plan.runs)}


def _of_dataset(
    config: StudyConfig, asked: StudySearchConfig, plan: StudyPlan, dataset: str
) -> StudyPlan:
    for label in _searched(config, asked):
        run = _first_runs(plan).get((dataset, label))
        if run is None:
            continue  # it does not run there
        place = Path(_SEARCHES) / dataset / as_folder(label)
        found: Settings = {}
        entry = StudySearch(
            dataset=dataset,
            system=label,
            folder=place.as_posix(),
            trials=0,
            seconds=0.0,
            best={},
        )
        try:
            lenders = first_trials(plan, dataset)
            record = search(run.recipe, asked.request, plan.folder / place, lenders=lenders)
            found = {} if record.best is None else record.best.settings
            entry = entry.model_copy(
                update={
                    "trials": len(record.ended),
                    "seconds": round(record.seconds, 1),
                    "best": dict(found),
                }
            )
        except OtherSearchError:
            raise
        except GistrecError as error:
            say(f"search of {label} on {dataset} failed: {error}")
        runs = tuple(
            _with(other, found, run.config) if _goes_by(other, (dataset, label), config) else other
            for other in plan.runs
        )
        plan = replace(plan, runs=runs, searches=(*plan.searches, entry))
    return plan


def _goes_by(run: PlannedRun, searched: tuple[str, str], config: StudyConfig) -> bool:
    """Whether a run takes what was found on a dataset of a label.

    Each takes what was found of its own, an ablation of its system, all of a baseline, and what is
    taken over of whom it is taken from: it is asked as that was fine-tuned.
    """
    dataset, label = searched
    if label in config.baselines and run.dataset == dataset:
        return True
    names = [one for one in config.labels if f"{run.system} / ".startswith(f"{one} / ")]
    own = max(names, key=len)
    source = next((one.from_run for one in config.systems if one.name == own), None)
    if source is not None:
        return searched == (source.dataset or run.dataset, source.system)
    return searched == (run.dataset, own)


def _with(run: PlannedRun, found: Settings, searched: SystemConfig) -> PlannedRun:
    """The run with what was found over it, but for what it sets otherwise than was searched."""
    alike = {
        setting: value
        for setting, value in found.items()
        if written_value(run.config, setting) == written_value(searched, setting)
    }
    recipe = replace(run.recipe, overrides=(*run.recipe.overrides, *as_overrides(alike)))
    return replace(run, recipe=recipe, config=recipe.config())
