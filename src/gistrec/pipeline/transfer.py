"""Backbone and fine-tuned recommender of another run, taken over in place of being made here.

What they were made from stays behind: gists, tastes and similar users are made with the log and
the catalogue of the run that takes them. The embedded backbone's tokenizer belongs to the catalogue
that it was made for, so that it is taken over with what was fine-tuned on it; a backbone that is
named is the same one anyway.
"""

from collections.abc import Iterator
from pathlib import Path

from gistrec import schema
from gistrec.config.backbone import BackboneConfig
from gistrec.config.load import load_config
from gistrec.config.seeds import refuse_no_run
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError, RunError
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.lending import take_files
from gistrec.pipeline.manifest import Facts, find_manifest, read_manifest, stage_fingerprint
from gistrec.pipeline.workplace import Workplace

FROM_RUN = "from_run"  # the input of a stage that was taken over
_KEY = f"recommender.{FROM_RUN}"
_BACKBONE, _GIST_TUNING = "backbone", "gist-tuning"
_RECOMMENDERS = ("recommender", "recommender-evidence")
_EMBEDDED = "embedded"


def taken_stage(config: SystemConfig, stage: str) -> Path | None:
    """The folder of another run's stage that stands in for ``stage``; None where it is made here.

    A recommender of no epochs is made here, of the backbone that was taken over.
    """
    source = config.recommender.from_run
    if source is None:
        return None
    taken = stage == _GIST_TUNING
    taken |= stage == _BACKBONE and config.backbone.model == _EMBEDDED
    taken |= stage in _RECOMMENDERS and config.recommender.epochs > 0
    return source / stage if taken else None


def taken_input(config: SystemConfig, stage: str) -> dict[str, str]:
    """What ``stage`` has among its inputs where it is taken over; nothing where it is not.

    Raises:
        RunError: the other run's stage is not finished.
    """
    source = taken_stage(config, stage)
    return {} if source is None else {FROM_RUN: stage_fingerprint(source)}


def taken_now(config: SystemConfig, stage: str) -> dict[str, str | None]:
    """The same of a run that is looked at; None where nothing is taken over.

    Where the other run is gone there is nothing to tell, and no key.
    """
    source = taken_stage(config, stage)
    if source is None:
        return {FROM_RUN: None}
    found = find_manifest(source)
    return {} if found is None else {FROM_RUN: found.fingerprint}


def take_over(source: Path, into: Path) -> Facts:
    """Put the files of another run's stage into a folder; where they are from, and what it told."""
    take_files(source, into)
    return {**read_manifest(source).facts, FROM_RUN: str(source.parent)}


def refuse_unfit_source(work: Workplace) -> None:
    """Refuse to take over what is not there, or does not fit the run's configuration.

    Raises:
        ConfigError: a setting must be as the other run has it.
        RunError: the other run is none, is unfinished, or is of other prompts.
    """
    config = work.config
    source = config.recommender.from_run
    if source is None or not config.recommends:
        return
    if source == work.run.resolve():
        raise ConfigError(f"{_KEY}={source}: a run cannot take over from itself; name another")
    try:
        refuse_no_run(source)
    except RunError as error:
        raise RunError(f"{_KEY}={source}: {error}") from error
    theirs = load_config(SystemConfig, None, source / schema.CONFIG_FILE)
    differing = list(_differing(config, theirs))
    if differing:
        raise ConfigError(
            f"{_KEY}={source}: what is taken over was made with other settings, and does not fit "
            f"yours; give this run {' '.join(f'--set {setting}' for setting in differing)}"
        )
    for stage in (_BACKBONE, *_needed(config)):
        made = find_manifest(source / stage)
        if made is None:
            raise RunError(
                f"{_KEY}={source}: stage {stage!r} is not finished there: run that to its end first"
            )
        if made.inputs.get("prompts", PROMPT_VERSION) != PROMPT_VERSION:
            raise RunError(
                f"{_KEY}={source}: stage {stage!r} is of an earlier gistrec with other prompts: "
                "give the `gistrec run` command of that run again"
            )


def _needed(config: SystemConfig) -> list[str]:
    """The stages that are taken over, the backbone apart."""
    tuning = [_GIST_TUNING] if config.gist.tuning.kind != "none" else []
    if config.recommender.epochs == 0:
        return tuning
    return [*tuning, *_RECOMMENDERS[: 2 if config.evidence.kinds else 1]]


def _differing(ours: SystemConfig, theirs: SystemConfig) -> Iterator[str]:
    """``stage.key=value`` as the other run has it, where it must be so and is not."""
    here, there = _decisive(ours.backbone), _decisive(theirs.backbone)
    for key, value in there.items():
        if value != here[key]:
            yield f"backbone.{key}={'null' if value is None else value}"
    if ours.evidence.kinds and ours.evidence.kinds != theirs.evidence.kinds:
        yield f"evidence.kinds=[{','.join(theirs.evidence.kinds)}]"


def _decisive(config: BackboneConfig) -> dict[str, object]:
    """What decides the weights of a backbone: its name, or how it is made."""
    if config.model != _EMBEDDED:
        return {key: getattr(config, key) for key in ("model", "revision", "adapter")}
    made = config.embedded.model_dump(mode="json")
    return {"model": config.model} | {f"embedded.{key}": value for key, value in made.items()}
