"""What of a run was made otherwise than its configuration says now: stages, and rows of them.

A run that was given other settings and interrupted holds both: the next run makes the rest.
"""

import filecmp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from gistrec import schema
from gistrec.config.base import StageConfig
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError, RunError
from gistrec.evaluation.ranks import ranks_file
from gistrec.evaluation.row import Row
from gistrec.pipeline.dataset_now import dataset_now
from gistrec.pipeline.manifest import Manifest
from gistrec.pipeline.states import (
    UNUSED,
    changed_inputs,
    expected_stages,
    finished_stages,
    made_by,
)

OTHER_SETTINGS = "made with other settings"
# Stages that read another only where the configuration has it.
_READS_IF_THERE = (
    ("gist", "gist-tuning"),
    ("recommender", "taste"),
    ("recommender-evidence", "taste"),
    ("fusion", "recommender-evidence"),
)
_SERVED, _SERVED_STAGE = "@server", "served-"


@dataclass(frozen=True)
class Asked:
    """What a configuration asks for.

    Attributes:
        stages: in the order in which they are made.
        settings: those that decide a stage's result.
        told: inputs of a stage that are no stages; None for one that it must not have.
        dataset: fingerprint of what the run is to see of its dataset; None where it is gone.
    """

    stages: list[str]
    settings: dict[str, BaseModel]
    told: Mapping[str, Mapping[str, str | None]]
    dataset: str | None


def outdated_stages(run: Path) -> dict[str, str]:
    """Why a finished stage of ``run`` is not as its configuration says, for each that is not.

    Raises:
        RunError: a manifest is damaged.
        ConfigError: the configuration is damaged.
    """
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    asked, manifests = asked_of(config, dataset_now(run, config.dataset)), finished_stages(run)
    served = [name for name in manifests if name.startswith(_SERVED_STAGE)]
    found: dict[str, str] = {}
    for name in (*asked.stages, *served):
        if name in manifests and (why := _why(name, manifests, asked, found)):
            found[name] = why
    unused = (name for name in manifests if name not in (*asked.stages, *served))
    return found | dict.fromkeys(unused, UNUSED)


def outdated_systems(run: Path, rows: Sequence[Row]) -> list[str]:
    """The systems of ``rows``, which ``run`` has published, that were measured otherwise.

    Raises:
        RunError: a manifest is damaged.
        ConfigError: the configuration is damaged.
    """
    outdated, finished = outdated_stages(run), finished_stages(run)
    names: dict[str, None] = {}
    for row in rows:
        stage = f"evaluation-{row.system}"
        if row.system.endswith(_SERVED):
            stage = f"{_SERVED_STAGE}{row.protocol}"
        published = ranks_file(run, row.system, row.protocol)
        measured = ranks_file(run / stage, row.system, row.protocol)
        there = stage in finished and published.is_file() and measured.is_file()
        # A stage may be made anew already, while the table waits for those after it.
        if stage in outdated or not there or not filecmp.cmp(published, measured, shallow=False):
            names[row.system] = None
    return list(names)


def told_of_systems(run: Path, rows: Sequence[Row]) -> str:
    """A line for a person about rows of ``run`` that were measured otherwise; else empty."""
    if not (run / schema.CONFIG_FILE).is_file():
        return ""
    try:
        names = outdated_systems(run, rows)
    except (ConfigError, RunError) as error:
        return f"note: whether {run} was measured as it is configured cannot be told: {error}"
    if not names:
        return ""
    return (
        f"note: {', '.join(names)} in {run}: measured with other settings than "
        f"{run / schema.CONFIG_FILE} says; give the `gistrec run` command again"
    )


def told_of_stage(run: Path, stage: str) -> str:
    """A line for a person about a finished stage that is not as it is configured; else empty."""
    if not (run / schema.CONFIG_FILE).is_file():
        return ""
    why = outdated_stages(run).get(stage)
    if why is None:
        return ""
    return f"note: stage {stage} of {run} was {why}; give the `gistrec run` command again"


def _why(
    name: str, manifests: Mapping[str, Manifest], asked: Asked, outdated: Mapping[str, str]
) -> str:
    """Why a stage is not as it should be; empty where it is."""
    manifest = manifests[name]
    told = asked.told.get(name, {})
    if name in asked.settings and not made_by(manifest, asked.settings[name]):
        return OTHER_SETTINGS
    if any(manifest.inputs.get(key) != value for key, value in told.items()):
        return OTHER_SETTINGS
    if asked.dataset is not None and manifest.inputs.get("dataset", asked.dataset) != asked.dataset:
        return OTHER_SETTINGS
    for stage, read in _READS_IF_THERE:
        if stage == name and read in asked.stages and read not in manifest.inputs:
            return f"made without {read}"
    if earlier := changed_inputs(manifest, manifests):
        return f"made from an earlier {' and '.join(earlier)}"
    others = [
        read
        for read in manifest.inputs
        if read in outdated or (read in manifests and read not in asked.stages)
    ]
    return f"made from {' and '.join(others)} of other settings" if others else ""


def asked_of(config: SystemConfig, dataset: str | None) -> Asked:
    """What a configuration asks for; ``dataset`` is the fingerprint of what it sees."""
    stages = expected_stages(config, oracle=True)
    settings: dict[str, BaseModel] = {"split": config.split}
    for name in stages:
        kind, _, of = name.partition("-")
        if kind == "evaluation":
            settings[name] = config.evaluation.deciding()
        elif kind == "baseline":
            settings[name] = getattr(config.baselines, of, StageConfig())
        elif name == "backbone":
            settings[name] = config.backbone.deciding()
    if not config.recommends:
        return Asked(stages, settings, {}, dataset)
    # These import torch, which a person who looks at a table of baselines need not wait for.
    from gistrec.pipeline.collab import collab_settings
    from gistrec.pipeline.evidence import evidence_settings, told_inputs
    from gistrec.pipeline.taste.stage import taste_settings
    from gistrec.pipeline.transfer import taken_now

    settings |= {
        "gist-tuning": config.gist.deciding_tuning(),
        "gist": config.gist.deciding(),
        "collab": collab_settings(config),
        "taste": taste_settings(config),
        "recommender": config.recommender.deciding(),
        "evidence": evidence_settings(config.evidence),
        "recommender-evidence": config.recommender.deciding(),
        "fusion": config.fusion,
    }
    told: dict[str, dict[str, str | None]] = {
        name: taken_now(config, name)
        for name in ("backbone", "gist-tuning", "recommender", "recommender-evidence")
    }
    told["recommender-evidence"] |= told_inputs(config.evidence)
    return Asked(stages, settings, told, dataset)
