"""What a study is expected to cost, stage by stage, before it begins.

Stages are told apart by what decides them: their settings, and those of the stages that they read.
Which are really taken over is decided by their fingerprints as the study runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from gistrec.config.system import SystemConfig
from gistrec.errors import RunError
from gistrec.files import fingerprint_of
from gistrec.pipeline.manifest import Manifest, find_manifest
from gistrec.pipeline.outdated import asked_of
from gistrec.pipeline.states import expected_stages
from gistrec.pipeline.study.costs import DataSize, expected_seconds, size_of, units_of
from gistrec.pipeline.study.plan import PlannedRun, StudyPlan
from gistrec.pipeline.transfer import taken_stage

_SEED = "seed"
_SPLIT, _DATASET = "split", "dataset"
_ENCODERS = ("baseline-sasrec", "baseline-gru4rec")  # a run that reads one has no other
# What each stage reads; those of them that a run has not are passed over.
_READS: dict[str, tuple[str, ...]] = {
    "backbone": (_DATASET, _SPLIT),
    "gist-tuning": (_DATASET, "backbone"),
    "gist": (_DATASET, "backbone", "gist-tuning"),
    "collab": (_SPLIT, "gist", *_ENCODERS),
    "taste": (_SPLIT, "backbone", "gist"),
    "recommender": (_SPLIT, "backbone", "gist", "collab", "taste"),
    "evidence": (_DATASET, "gist", "collab"),
    "recommender-evidence": (_SPLIT, "backbone", "gist", "collab", "taste", "evidence"),
    "fusion": (_SPLIT, "collab", "recommender", "recommender-evidence"),
}
_UNSEEN_BY_SPLITS = ("withhold", "shuffle")  # a split is of ids and times alone


@dataclass(frozen=True)
class StageEstimate:
    """A stage of a run.

    Attributes:
        seconds: expected, or taken where it stands; None where nobody can tell; 0 where it is
            shared.
        shared: an earlier run of the study makes it.
        stands: it is finished.
    """

    name: str
    seconds: float | None
    shared: bool
    stands: bool


@dataclass(frozen=True)
class RunEstimate:
    """A run with its stages."""

    run: PlannedRun
    stages: tuple[StageEstimate, ...]

    @property
    def seconds(self) -> float:
        """Expected in all, as far as it is known."""
        return sum(stage.seconds or 0.0 for stage in self.stages)

    @property
    def left(self) -> float:
        """Expected of what does not stand yet, as far as it is known."""
        return sum(stage.seconds or 0.0 for stage in self.stages if not stage.stands)

    @property
    def known(self) -> bool:
        """Whether all of it is known."""
        return all(stage.seconds is not None for stage in self.stages)


@dataclass(frozen=True)
class _Measured:
    """What stages took in this study: seconds a unit, by stage and settings without seeds."""

    rates: Mapping[str, float]

    def rate(self, stage: str, settings: JsonValue) -> float | None:
        return self.rates.get(_like(stage, settings))


def estimate(plan: StudyPlan) -> list[RunEstimate]:
    """What every run of a study is expected to take.

    Raises:
        DataError: a dataset cannot be read.
    """
    sizes = {place.name: size_of(place.folder, place.bazaar) for place in plan.datasets}
    measured = _measured(plan, sizes)
    made: set[str] = set()
    return [_run(plan.folder, run, sizes[run.dataset], measured, made) for run in plan.runs]


def _run(
    study: Path, run: PlannedRun, size: DataSize, measured: _Measured, made: set[str]
) -> RunEstimate:
    keys = stage_keys(run.config, size.oracle)
    settings = _settings(run.config)
    stages = []
    for name, key in keys.items():
        unique = fingerprint_of([run.dataset, run.seed, key])
        standing = _standing(study / run.folder / name, settings.get(name))
        shared = unique in made or taken_stage(run.config, name) is not None
        made.add(unique)
        if shared:
            seconds: float | None = 0.0
        elif standing is not None:
            seconds = standing.seconds
        else:
            rate = measured.rate(name, settings.get(name))
            seconds = expected_seconds(name, run.config, size, rate)
        stages.append(StageEstimate(name, seconds, shared, standing is not None))
    return RunEstimate(run, tuple(stages))


def stage_keys(config: SystemConfig, oracle: bool) -> dict[str, str]:
    """For each stage of a run what stands for all that decides it, in order."""
    asked = asked_of(config, None)
    settings = {name: part.model_dump(mode="json") for name, part in asked.settings.items()}
    view = config.dataset.model_dump(mode="json")
    log = {name: value for name, value in view.items() if name not in _UNSEEN_BY_SPLITS}
    keys = {_DATASET: fingerprint_of(view)}
    content = fingerprint_of([log, settings.get(_SPLIT)])  # of the split, however it was made
    names = expected_stages(config, oracle)
    for name in names:
        if name == _SPLIT:
            keys[name] = content + keys[_DATASET]
            continue
        # What is not there is no input of the stage.
        told = {key: value for key, value in asked.told.get(name, {}).items() if value}
        told["taken from"] = str(taken_stage(config, name) or "")
        read = [content if part == _SPLIT else keys.get(part, "") for part in _reads(name, config)]
        keys[name] = fingerprint_of([name, settings.get(name), told, read])
    return {name: keys[name] for name in names}


def _reads(stage: str, config: SystemConfig) -> Sequence[str]:
    if stage in _READS:
        return _READS[stage]
    kind, _, of = stage.partition("-")
    if kind == "baseline":
        names = [name for name in config.baselines.names if name == of]
        seeing = any(map(config.baselines.sees, names))
        followed = _ENCODERS if any(map(config.baselines.follows, names)) else ()
        return (_SPLIT, *((_DATASET, "backbone") if seeing else ()), *followed)
    if of == config.fused and config.recommends:
        return (_DATASET, _SPLIT, "recommender", "recommender-evidence", "fusion")
    if of == config.with_evidence and config.recommends:
        return (_DATASET, _SPLIT, "recommender-evidence")
    if of == config.name and config.recommends:
        return (_DATASET, _SPLIT, "recommender")
    return (_DATASET, _SPLIT, f"baseline-{of}")


def _settings(config: SystemConfig) -> dict[str, JsonValue]:
    asked = asked_of(config, None).settings
    return {name: part.model_dump(mode="json") for name, part in asked.items()}


def _standing(folder: Path, settings: JsonValue) -> Manifest | None:
    """A stage's manifest, if it is finished with these settings."""
    found = _manifest(folder)
    return found if found is not None and settings in (None, found.config) else None


def _manifest(folder: Path) -> Manifest | None:
    try:
        return find_manifest(folder)
    except RunError:  # damaged: the run itself tells what is to be done
        return None


def _measured(plan: StudyPlan, sizes: Mapping[str, DataSize]) -> _Measured:
    """The mean of what every finished stage took a unit, in any run of the study."""
    found: dict[str, list[float]] = {}
    for run in plan.runs:
        for name in expected_stages(run.config, sizes[run.dataset].oracle):
            manifest = _manifest(plan.folder / run.folder / name)
            if manifest is not None:
                rate = manifest.seconds / units_of(name, run.config, sizes[run.dataset])
                found.setdefault(_like(name, manifest.config), []).append(rate)
    return _Measured({key: sum(rates) / len(rates) for key, rates in found.items()})


def _like(stage: str, settings: JsonValue) -> str:
    """What stands for a stage with such settings, whatever its seeds."""
    return fingerprint_of([stage, _unseeded(settings or {})])


def _unseeded(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _unseeded(part) for key, part in value.items() if key != _SEED}
    return [_unseeded(part) for part in value] if isinstance(value, list) else value
