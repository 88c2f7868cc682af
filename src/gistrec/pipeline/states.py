"""How far a run is: which stages are done, which are under way, which have to be made again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, JsonValue, ValidationError

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import RunError
from gistrec.pipeline.manifest import MADE, Manifest, find_manifest, read_manifest
from gistrec.pipeline.workplace import noted_dataset

UNUSED = "not used by this configuration"
_UNDER_WAY = "interrupted or under way: the same command goes on from there"
_PARTIAL = re.compile(r"\.(?P<name>.+)\.partial")


@dataclass(frozen=True)
class StageState:
    """One stage of a run.

    Attributes:
        name: the stage.
        state: done; partial: begun and not finished; stale: done, but from an input that has
            changed since or with other settings, so that the next run makes it again; unused: done,
            but the configuration asks for no such stage.
        size_mib: what its folder holds on disk.
        seconds: what it took, where it is done.
        note: why it is not just done; else empty.
    """

    name: str
    state: Literal["done", "partial", "stale", "unused"]
    size_mib: float
    seconds: float | None
    note: str


def stage_states(run: Path, outdated: Mapping[str, str] | None = None) -> list[StageState]:
    """Every stage that has a folder in ``run``, in the order in which they were finished.

    ``outdated`` says of finished stages why the configuration would have them otherwise; by
    default only what was made from something earlier is known to be.

    Raises:
        RunError: there is no such folder, or a manifest in it is damaged.
    """
    if not run.is_dir():
        message = f"there is no run folder {run}"
        raise RunError(message)
    manifests = finished_stages(run)
    begun = [
        named["name"]
        for folder in sorted(run.iterdir())
        if (named := _PARTIAL.fullmatch(folder.name))
    ]
    if outdated is None:
        found = ((name, changed_inputs(manifests[name], manifests)) for name in manifests)
        outdated = {name: f"made from an earlier {' and '.join(of)}" for name, of in found if of}
    states = [
        _finished(run / name, manifests[name], outdated.get(name, ""), name in begun)
        for name in manifests
    ]
    for name in begun:
        if name not in manifests:
            size = _size(run / f".{name}.partial")
            states.append(StageState(name, "partial", size, None, _UNDER_WAY))
    return states


def refuse_stale(
    run: Path,
    stage: str,
    settings: BaseModel,
    told: Mapping[str, str | None] | None = None,
    reads: Mapping[str, bool] | None = None,
) -> None:
    """Refuse a finished stage that the next run would make again.

    Args:
        run: the run's folder.
        stage: the stage's name.
        settings: those that decide its result, as the run's configuration has them now.
        told: inputs of the stage that are no stages, likewise; None for one that it must not have.
        reads: of the stages that it reads only under some configurations, whether it does now.

    Raises:
        RunError: it is unfinished, was made otherwise or from something else; says what to do.
    """
    manifest = read_manifest(run / stage)
    again = "give the `gistrec run` command again"
    changed = [name for name, value in (told or {}).items() if manifest.inputs.get(name) != value]
    changed += [name for name, read in (reads or {}).items() if (name in manifest.inputs) != read]
    if changed or not made_by(manifest, settings):
        raise RunError(
            f"stage {stage!r} was made with other settings than {run / schema.CONFIG_FILE} says: "
            f"{again}"
        )
    found = {name: find_manifest(run / name) for name in manifest.inputs}
    earlier = changed_inputs(manifest, {name: made for name, made in found.items() if made})
    if earlier:
        raise RunError(f"stage {stage!r} was made from an earlier {' and '.join(earlier)}: {again}")


def has_oracle(dataset: Path) -> bool:
    """Whether a dataset brings the rule by which its users choose."""
    return (dataset / schema.TRUTH_FOLDER).is_dir()


def missing_stages(run: Path) -> list[str]:
    """The stages that a run's configuration asks for and that are not finished in it, in order.

    Raises:
        RunError: ``run`` does not say of which dataset it is, or a manifest in it is damaged.
        ConfigError: its configuration is damaged.
    """
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    expected = expected_stages(config, has_oracle(noted_dataset(run)))
    return [name for name in expected if find_manifest(run / name) is None]


def expected_stages(config: SystemConfig, oracle: bool) -> list[str]:
    """The stages of a finished run of ``config``, in order; ``oracle``: the dataset has one."""
    names = ["split"]
    names += ["evaluation-oracle"] if oracle else []
    for baseline in config.baselines.names:
        names += ["backbone"] if config.baselines.sees(baseline) else []
        followed = config.baselines.follows(baseline)
        names += [f"baseline-{config.collab.encoder}"] if followed else []
        names += [f"baseline-{baseline}", f"evaluation-{baseline}"]
    if config.recommends:
        encoder = f"baseline-{config.collab.encoder}"
        names += [] if encoder in names else [encoder]
        tuning = ["gist-tuning"] if config.gist.tuning.kind != "none" else []
        taste = ["taste"] if config.taste.kind != "none" else []
        names += ["backbone", *tuning, "gist", "collab", *taste]
        names += ["recommender", f"evaluation-{config.name}"]
        if config.evidence.kinds:
            names += ["evidence", "recommender-evidence", f"evaluation-{config.with_evidence}"]
        if config.fusion.on:
            names += ["fusion", f"evaluation-{config.fused}"]
    return list(dict.fromkeys(names))


def finished_stages(run: Path) -> dict[str, Manifest]:
    """Manifests of the finished stages of a run, in the order in which they were finished."""
    found = [
        (folder.stat().st_mtime, folder.name, manifest)
        for folder in run.iterdir()
        if not folder.name.startswith(".") and (manifest := find_manifest(folder)) is not None
    ]
    return {name: manifest for _, name, manifest in sorted(found, key=lambda entry: entry[:2])}


def _finished(folder: Path, manifest: Manifest, outdated: str, begun: bool) -> StageState:
    """A finished stage, ``outdated`` for that reason; ``begun``: its next one lies beside it."""
    state: Literal["done", "partial", "stale", "unused"] = "done"
    note = "unfinished work for other settings lies beside it" if begun else ""
    if outdated == UNUSED:
        state, note = "unused", UNUSED
    elif outdated and begun:
        state, note = "partial", f"{_UNDER_WAY}; what stands was {outdated}"
    elif outdated:
        state, note = "stale", f"{outdated}: run again"
    return StageState(folder.name, state, _size(folder), manifest.seconds, note)


def changed_inputs(manifest: Manifest, manifests: Mapping[str, Manifest]) -> list[str]:
    """The stages that were made anew since, of those that a stage is made from."""
    return [
        name
        for name, fingerprint in manifest.inputs.items()
        if name in manifests and fingerprint not in _names_of(manifests[name])
    ]


def made_by(manifest: Manifest, settings: BaseModel) -> bool:
    """Whether a stage was made with these settings."""
    if manifest.config == settings.model_dump(mode="json"):
        return True
    try:
        # Read as settings, so that one which came with a later gistrec is the default on both
        # sides.
        return type(settings).model_validate(manifest.config) == settings
    except ValidationError:
        return False  # an earlier gistrec had other settings


def _names_of(manifest: Manifest) -> set[JsonValue]:
    """How later stages may name what a stage made: by how it was made, or by what it is."""
    return {manifest.fingerprint, manifest.facts.get(MADE)}


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024**2
