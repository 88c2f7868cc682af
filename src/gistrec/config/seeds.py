"""One seed for a whole run: every stage's seed, found in the model of the configuration itself."""

from pathlib import Path

from pydantic import BaseModel

from gistrec import schema
from gistrec.config.setting_paths import setting_paths
from gistrec.errors import ConfigError, RunError

_SEED = "seed"
_KEPT = ("evaluation",)  # the bootstrap's is no part of what is measured


def seed_keys(model: type[BaseModel]) -> list[str]:
    """The keys of all seeds under ``model``, as ``stage.key``, but for the evaluation's."""
    return [
        ".".join(path)
        for path in setting_paths(model)
        if path[-1] == _SEED and path[0] not in _KEPT
    ]


def seed_overrides(model: type[BaseModel], seed: int) -> list[str]:
    """Settings that give every stage the same seed, as ``stage.key=value``."""
    return [f"{key}={seed}" for key in seed_keys(model)]


def parse_seeds(text: str) -> list[int]:
    """Whole numbers of 0 or more with commas between them.

    Raises:
        ConfigError: something else stands there, or one stands there twice.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"--seeds {text}: write whole numbers with commas, for example 0,1,2")
    seeds = list(map(int, parts))
    if twice := [seed for seed in dict.fromkeys(seeds) if seeds.count(seed) > 1]:
        raise ConfigError(f"--seeds {text}: {twice[0]} is named twice; a seed is run once")
    return seeds


def seed_folder(run: Path, seed: int) -> Path:
    """Where the run of one of several seeds lies."""
    return run / f"seed-{seed}"


def seed_folders(run: Path) -> list[Path]:
    """The runs of several seeds in a folder, by seed; none where it is a run of its own."""
    if (run / schema.CONFIG_FILE).exists():
        return []
    found = [file.parent for file in run.glob("seed-*/" + schema.CONFIG_FILE)]
    return sorted(found, key=lambda folder: (len(folder.name), folder.name))


def refuse_no_run(run: Path) -> None:
    """Refuse a folder that is no run.

    Raises:
        RunError: it is none, or holds those of several seeds.
    """
    refuse_folder_of_seeds(run)
    if not (run / schema.CONFIG_FILE).exists():
        raise RunError(f"{run} is no run: it has no {schema.CONFIG_FILE}; `gistrec run` makes one")


def refuse_folder_of_seeds(run: Path) -> None:
    """Refuse a folder that holds no run of its own, but those of several seeds.

    Raises:
        RunError: it does; names them.
    """
    if found := seed_folders(run):
        named = " or ".join(map(str, found))
        raise RunError(f"{run} is a folder of seeds: name {named}")
