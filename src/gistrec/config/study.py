"""A study: systems and baselines on data sets, with seeds, from one YAML file."""

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.baselines import BaselineName
from gistrec.config.bazaar import BazaarConfig
from gistrec.config.evaluation import Protocol
from gistrec.config.load import load_config
from gistrec.config.search import SearchRequest
from gistrec.errors import ConfigError

_UNFIT = re.compile(r"[^A-Za-z0-9.+-]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_KEY_OF_SETTING = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def _as_overrides(given: Any) -> Any:
    """``{stage.key: value}`` as ``stage.key=value`` each, the value as JSON, which is YAML too."""
    if not isinstance(given, dict):
        raise ValueError("it holds `stage.key: value` lines, for example recommender.epochs: 3")
    for key in given:
        if not _KEY_OF_SETTING.fullmatch(str(key)):
            raise ValueError(f"{key!r} is no stage.key, for example recommender.epochs")
    return tuple(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items())


def _as_names(given: Any) -> Any:
    """One name is a list of one."""
    return (given,) if isinstance(given, str) else given


def _as_system(given: Any) -> Any:
    """A preset's name alone is a system of its settings."""
    return {"preset": given} if isinstance(given, str) else given


def _fit_for_a_folder(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a folder is called so: write letters, digits, dots, dashes, _ and + alone, a letter "
            "or digit first"
        )
    return name


FolderName = Annotated[str, AfterValidator(_fit_for_a_folder)]
Overrides = Annotated[tuple[str, ...], BeforeValidator(_as_overrides)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class StudyData(StageConfig):
    """A dataset of a study.

    Attributes:
        name: what the study calls it.
        path: its folder; None where it is to be named on the command line.
        bazaar: settings of a bazaar that the study makes in its own folder.
        set: settings over those of the whole study wherever a system runs on it.
    """

    name: FolderName
    path: Path | None = None
    bazaar: BazaarConfig | None = None
    set: Overrides = ()

    @model_validator(mode="after")
    def _lies_in_one_place(self) -> "StudyData":
        if self.path is not None and self.bazaar is not None:
            raise ValueError(f"{self.name} has a path and a bazaar: give one of them")
        return self


class StudySource(StageConfig):
    """Whose backbone and fine-tuned recommender a system takes over.

    Attributes:
        system: another system's label.
        dataset: where that one runs; None for the same dataset.
    """

    system: str
    dataset: str | None = None


class StudySystem(StageConfig):
    """A system of a study.

    Attributes:
        preset: as ``gistrec run --system`` takes it.
        label: what the study calls it; by default the preset.
        set: settings over those of the whole study.
        ablate: names of ablations, or `all`: each a system of its own beside this one.
        on: data sets that it runs on; none for all of them.
        from_run: it is not fine-tuned, but taken over from another system, under the same seed.
    """

    preset: str
    label: Annotated[str, Field(min_length=1)] | None = None
    set: Overrides = ()
    ablate: Names = ()
    on: Names = ()
    from_run: StudySource | None = None

    @property
    def name(self) -> str:
        """What the study calls it."""
        return self.label or self.preset


class StudySearchConfig(SearchRequest):
    """The budget of a search that comes before the runs, the same for every system.

    Attributes:
        systems: labels of baselines and systems; none for all of them.
    """

    systems: Names = ()

    @property
    def request(self) -> SearchRequest:
        """The budget of each."""
        return SearchRequest.model_validate(self.model_dump(exclude={"systems"}))


class StudyConfig(StageConfig):
    """A study.

    Attributes:
        name: of its folder.
        title: of its report.
        datasets: where the systems run.
        seeds: of every stage; the whole is run once with each.
        profile: settings for a size of data, see ``profiles``; None for the presets' own.
        systems: presets, or entries with settings of their own.
        baselines: each a run of its own, so that one that fails takes no other with it.
        protocols: what each positive is ranked among.
        set: settings over every preset and the profile.
        search: settings are searched on validation users first; None for the systems' own.
    """

    name: FolderName
    title: str
    datasets: tuple[StudyData, ...] = ()
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (0,)
    profile: str | None = None
    systems: tuple[Annotated[StudySystem, BeforeValidator(_as_system)], ...] = ()
    baselines: tuple[BaselineName, ...] = ()
    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)] = ("full", "sampled")
    set: Overrides = ()
    search: StudySearchConfig | None = None

    @model_validator(mode="after")
    def _nothing_stands_twice(self) -> "StudyConfig":
        _refuse_twice("datasets", [data.name for data in self.datasets])
        _refuse_twice("seeds", list(map(str, self.seeds)))
        _refuse_twice("labels of systems", list(map(as_folder, self.labels)))
        if not self.labels:
            raise ValueError("systems and baselines are both empty: name one at least")
        return self

    @model_validator(mode="after")
    def _what_is_taken_over_is_made(self) -> "StudyConfig":
        made = [system.name for system in self.systems if system.from_run is None]
        for system in self.systems:
            if system.from_run is not None and system.from_run.system not in made:
                raise ValueError(
                    f"{system.name} takes over from {system.from_run.system}, which is no system "
                    f"of the study that is fine-tuned; these are {', '.join(made) or 'none'}"
                )
        return self

    @model_validator(mode="after")
    def _what_is_searched_stands_here(self) -> "StudyConfig":
        for label in () if self.search is None else self.search.systems:
            if label not in self.labels:
                raise ValueError(f"search.systems names {label}; known: {', '.join(self.labels)}")
            if any(one.name == label and one.from_run for one in self.systems):
                raise ValueError(
                    f"search.systems names {label}, which is taken over and not fine-tuned: it "
                    "goes by what is found of whom it is taken from"
                )
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """What the study calls its baselines and systems."""
        return (*self.baselines, *(system.name for system in self.systems))


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{what}: {twice[0]} stands twice; give the one another name or drop it")


def as_folder(label: str) -> str:
    """A label as the name of a folder."""
    return _UNFIT.sub("-", label).strip("-.") or "system"


def available_studies() -> list[str]:
    """The names of the studies that come with gistrec, in alphabetical order."""
    return _yaml_names("studies")


def load_study_config(named: str) -> StudyConfig:
    """Read a study: a YAML file's path, or the name of one that comes with gistrec.

    Raises:
        ConfigError: there is no such study, or its file is not what it must be; names the key.
    """
    file = Path(named)
    if file.suffix in (".yaml", ".yml") or file.exists():
        return load_config(StudyConfig, file=file)
    known = available_studies()
    if named not in known:
        near = get_close_matches(named, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise ConfigError(
            f"no study is called {named!r}, and no such file is there{meant} "
            f"Known: {', '.join(known)}; or give a YAML file"
        )
    with resources.as_file(_folder("studies").joinpath(f"{named}.yaml")) as shipped:
        return load_config(StudyConfig, file=shipped)


def profile_file(profile: str, preset: str) -> Path:
    """The profile for a preset: one made for its system where there is one, else for all.

    Raises:
        ConfigError: there is no such profile.
    """
    known = _yaml_names("profiles")
    own = f"{profile}-{preset.removesuffix('-paper')}"
    found = own if own in known else profile
    if found not in known:
        raise ConfigError(f"no profile is called {profile!r}. Known: {', '.join(known)}")
    return Path(str(_folder("profiles").joinpath(f"{found}.yaml")))


def _yaml_names(folder: str) -> list[str]:
    names = (entry.name for entry in _folder(folder).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _folder(name: str) -> Any:
    return resources.files("gistrec.config").joinpath(name)
