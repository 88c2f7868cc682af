"""What stands in a run of comparisons with its variants, and whether it is of the run as it is."""

from collections.abc import Sequence
from json import JSONDecodeError
from pathlib import Path

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.evaluation.ablations import forget_ablations, noted_mark
from gistrec.files import fingerprint_of, read_json, write_json
from gistrec.pipeline.manifest import find_manifest
from gistrec.pipeline.outdated import outdated_stages
from gistrec.pipeline.states import missing_stages
from gistrec.progress import say

VARIANTS = "variants"
_FULL = ".full.json"  # of a variant: the full system that it is a change of


def full_mark(config: SystemConfig, folders: Sequence[Path]) -> str:
    """Stands for the full system as it is measured in the runs of each seed."""
    found = [find_manifest(folder / f"evaluation-{config.name}") for folder in folders]
    measured = [manifest.fingerprint if manifest else "" for manifest in found]
    return fingerprint_of([config.model_dump(mode="json"), measured])


def compared_now(run: Path) -> bool:
    """Whether the comparisons of a run are with the system as it is configured and measured."""
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    return noted_mark(run) == full_mark(config, [run])


def forget_earlier(run: Path, mark: str) -> None:
    """Take away comparisons of a run with a full system that is no more, and their pictures."""
    if noted_mark(run) not in ("", mark):
        forget_ablations(run)
        say("earlier comparisons go, for the system has changed: --ablate and --sweep compare anew")


def unfinished_variants(run: Path) -> dict[str, list[str]]:
    """The stages that each variant of a run still needs, or needs again."""
    return {
        folder.name: [*missing_stages(folder), *outdated_stages(folder)]
        for folder in sorted((run / VARIANTS).glob("*"))
        if (folder / schema.CONFIG_FILE).is_file()
    }


def note_full(variant: Path, mark: str) -> None:
    """Write into the folder of a finished variant which full system it is a change of."""
    write_json(variant / _FULL, {"of": mark})


def earlier_variants(run: Path) -> list[str]:
    """The variants of a run that are a change of another full system than it is now."""
    config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
    now = full_mark(config, [run])
    return [
        folder.name
        for folder in sorted((run / VARIANTS).glob("*"))
        if _noted_full(folder, noted_mark(run)) != now
    ]


def _noted_full(variant: Path, otherwise: str) -> str:
    """Which full system a variant notes; ``otherwise`` where an earlier gistrec noted none."""
    try:
        return str(read_json(variant / _FULL)["of"])
    except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError):
        return otherwise
