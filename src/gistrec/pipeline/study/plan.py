"""What a study will run: systems on data sets with seeds, checked before any of it starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gistrec.config.overrides import parse_override
from gistrec.config.seeds import seed_folder, seed_overrides
from gistrec.config.study import (
    StudyConfig,
    StudySource,
    StudySystem,
    as_folder,
    profile_file,
)
from gistrec.config.system import SystemConfig
from gistrec.config.variants import LEAN, Variant, parse_ablations
from gistrec.errors import ConfigError
from gistrec.evaluation.study import StudySearch
from gistrec.pipeline.study.places import StudyPlace, study_places
from gistrec.pipeline.variants import Recipe

_RUNS = "runs"
_NO_BASELINES = "baselines.names=[]"  # they have runs of their own


@dataclass(frozen=True)
class PlannedRun:
    """One run of a study.

    Attributes:
        dataset: as the study calls it.
        system: its label.
        seed: of every stage.
        folder: from the study's.
        recipe: what it is made from.
        config: the same, read.
    """

    dataset: str
    system: str
    seed: int
    folder: str
    recipe: Recipe
    config: SystemConfig


@dataclass(frozen=True)
class StudyPlan:
    """A whole study.

    Attributes:
        folder: where it lies.
        runs: in the order in which they are made: baselines first, so that systems take them over;
            systems that are taken over from another run last.
        left_out: what the file names and this study does not do, in words.
        searches: what was searched for before the runs; their settings are in the recipes.
    """

    name: str
    title: str
    folder: Path
    datasets: tuple[StudyPlace, ...]
    runs: tuple[PlannedRun, ...]
    left_out: tuple[str, ...]
    searches: tuple[StudySearch, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """A row of the study: a label and the settings over a preset; data sets, and whose it is."""

    label: str
    preset: str
    settings: tuple[str, ...]
    on: tuple[str, ...] = ()
    source: StudySource | None = None

    def runs_on(self, dataset: str) -> bool:
        """Whether it is to run there."""
        return not self.on or dataset in self.on

    def lacks(self, names: Sequence[str]) -> str:
        """What it needs of data that are not there; empty where nothing."""
        if self.on and not set(self.on) & set(names):
            return f"it runs on {', '.join(self.on)} alone"
        place = None if self.source is None else self.source.dataset
        return f"it is taken over from {place}" if place and place not in names else ""


def plan_study(
    config: StudyConfig,
    study: Path,
    *,
    paths: Mapping[str, Path] | None = None,
    only: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    overrides: Sequence[str] = (),
) -> StudyPlan:
    """Lay out a study; nothing is written.

    Args:
        config: the study's file.
        study: its folder.
        paths: folders of data sets by name: of some that the file names, or of others.
        only: names of the data sets that are wanted; None for all.
        seeds: instead of the file's.
        overrides: ``stage.key=value`` each, laid over everything else.

    Raises:
        ConfigError: a system, baseline, profile or setting is unknown, or no dataset has a folder.
        DataError: a named folder holds no dataset.
    """
    datasets, left_out = study_places(config, study, paths or {}, only)
    entries, unchanged = _entries(config, overrides)
    names = [data.name for data in datasets]
    lacking = {entry.label: why for entry in entries if (why := entry.lacks(names))}
    entries = [entry for entry in entries if entry.label not in lacking]
    without = _without_source(entries, names)
    runs: list[PlannedRun] = []
    for data in datasets:
        there = [
            entry
            for entry in entries
            if entry.runs_on(data.name) and (data.name, entry.label) not in without
        ]
        for seed in config.seeds if seeds is None else seeds:
            runs += [_planned(config, study, data, entry, seed, overrides) for entry in there]
    # Who is taken over is made first, on whatever dataset.
    runs.sort(key=lambda run: run.config.recommender.from_run is not None)
    return StudyPlan(
        config.name,
        config.title,
        study,
        tuple(datasets),
        tuple(runs),
        (
            *left_out,
            *(f"{label}: {why}" for label, why in lacking.items()),
            *(f"{label} on {place}: {why}" for (place, label), why in without.items()),
            *unchanged,
        ),
    )


def _without_source(
    entries: Sequence[_Entry], datasets: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Dataset and label of what is taken over from where nothing is made, and why."""
    made = {(name, entry.label) for name in datasets for entry in entries if entry.runs_on(name)}
    found = {}
    for entry in entries:
        if (source := entry.source) is None:
            continue
        for name in filter(entry.runs_on, datasets):
            place = source.dataset or name
            if (place, source.system) not in made:
                found[name, entry.label] = f"{source.system} does not run on {place}"
    return found


def _entries(config: StudyConfig, overrides: Sequence[str]) -> tuple[list[_Entry], list[str]]:
    """Every row, baselines first, and ablations that would change nothing."""
    entries = [_Entry(name, name, ()) for name in config.baselines]
    unchanged = []
    for system in config.systems:
        full = _Entry(system.name, system.preset, system.set, system.on, system.from_run)
        made = _config(config, full, overrides)
        if twin := _twin(config, full, entries, overrides):
            unchanged.append(f"{full.label}: with these settings it is {twin}")
            continue
        entries.append(full)
        if system.from_run is not None and not made.recommends:
            raise ConfigError(
                f"study {config.name}, {system.name}: from_run takes over a fine-tuned "
                f"recommender, and {system.preset} has none"
            )
        for variant in _ablations(system, made):
            settings = (*system.set, *variant.overrides, *LEAN)
            label = f"{system.name} / {variant.name}"
            entry = replace(full, label=label, settings=settings)
            changed = _config(config, _over(full, variant.overrides), overrides)
            if changed == made:
                unchanged.append(f"{entry.label}: {system.name} is so already")
            else:
                entries.append(entry)
    labels = [as_folder(entry.label) for entry in entries]
    if twice := [name for name in dict.fromkeys(labels) if labels.count(name) > 1]:
        raise ConfigError(f"study {config.name}: two systems would lie in {twice[0]}")
    return entries, unchanged


def _twin(
    config: StudyConfig, entry: _Entry, entries: Sequence[_Entry], overrides: Sequence[str]
) -> str | None:
    """Who is taken over from the same run with the same settings; None if nobody is.

    `--set` wins over what tells such rows apart, as `recommender.epochs: 0` does.
    """
    made = None if entry.source is None else _config(config, entry, overrides)
    alike = (one for one in entries if made and (one.source, one.on) == (entry.source, entry.on))
    return next((one.label for one in alike if _config(config, one, overrides) == made), None)


def _ablations(system: StudySystem, config: SystemConfig) -> list[Variant]:
    if not system.ablate:
        return []
    if not config.recommends:
        raise ConfigError(
            f"{system.name}: ablate varies what a language model is told, and it has none"
        )
    try:
        return parse_ablations(",".join(system.ablate), config)
    except ConfigError as error:
        raise ConfigError(f"{system.name}: {error}") from error


def _over(entry: _Entry, settings: Sequence[str]) -> _Entry:
    return replace(entry, settings=(*entry.settings, *settings))


def _recipe(
    config: StudyConfig, entry: _Entry, data: StudyPlace, overrides: Sequence[str]
) -> Recipe:
    file = None if config.profile is None else profile_file(config.profile, entry.preset)
    asked = f"evaluation.protocols=[{', '.join(config.protocols)}]"
    settings = (asked, *config.set, *data.settings, *entry.settings, *overrides)
    return Recipe(entry.preset, data.folder, file, settings)


def _config(config: StudyConfig, entry: _Entry, overrides: Sequence[str]) -> SystemConfig:
    """A row's configuration under no seed.

    Raises:
        ConfigError: it is refused; names the row.
    """
    for setting in overrides:
        parse_override(setting)
    try:
        return _recipe(config, entry, StudyPlace("", Path(), None), overrides).config()
    except ConfigError as error:
        raise ConfigError(f"study {config.name}, {entry.label}: {error}") from error


def _planned(
    config: StudyConfig,
    study: Path,
    data: StudyPlace,
    entry: _Entry,
    seed: int,
    overrides: Sequence[str],
) -> PlannedRun:
    recipe = _recipe(config, entry, data, overrides)
    recipe = recipe.under(*seed_overrides(SystemConfig, seed))
    if recipe.config().recommends:
        recipe = replace(recipe, overrides=(*recipe.overrides, _NO_BASELINES))
    if entry.source is not None:
        taken = study / _folder(entry.source.dataset or data.name, entry.source.system, seed)
        setting = f"recommender.from_run={json.dumps(str(taken), ensure_ascii=False)}"
        recipe = replace(recipe, overrides=(*recipe.overrides, setting))
    place = _folder(data.name, entry.label, seed)
    return PlannedRun(data.name, entry.label, seed, place.as_posix(), recipe, recipe.config())


def _folder(dataset: str, label: str, seed: int) -> Path:
    """Of a run, from the study's."""
    return seed_folder(Path(_RUNS) / dataset / as_folder(label), seed)
