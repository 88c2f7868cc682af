"""Searches for the settings of several systems, with the same budget for each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gistrec.config.documents import format_yaml
from gistrec.config.load import merged_settings
from gistrec.config.search import SearchRequest, Space
from gistrec.config.seeds import seed_overrides
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError
from gistrec.evaluation.search import SEARCH_FILE, Scalar, SearchRecord
from gistrec.files import write_json, write_text
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.search.search import as_overrides, search, searchable, trial_folder
from gistrec.pipeline.variants import Recipe
from gistrec.progress import say

BEST_FILE = "best.yaml"


def search_all(
    recipes: Sequence[Recipe],
    request: SearchRequest,
    out: Path,
    spaces: Mapping[str, Space] | None = None,
) -> list[SearchRecord]:
    """Search for the settings of each system in turn, or go on with that.

    What was found stands in ``<system>/best.yaml`` of ``out`` and, all together, in ``best.yaml``,
    unless two systems would have one setting different.

    Args:
        recipes: the systems with their own settings, of one dataset.
        request: what each may spend; its seed is that of every stage too.
        out: a folder.
        spaces: what is tried, by system, where it is not what comes with gistrec.

    Raises:
        ConfigError: a system is named twice or cannot be searched.
        GistrecError: a system cannot be run with its own settings.
        RunError: another process searches here, or the folder holds something else.
    """
    systems = [recipe.system for recipe in recipes]
    if twice := [system for system in systems if systems.count(system) > 1]:
        raise ConfigError(f"{twice[0]} is named twice; a system is searched once")
    tried = [searchable(recipe, (spaces or {}).get(recipe.system)) for recipe in recipes]
    refuse_other_folder(out)
    with locked_run(out):
        records: list[SearchRecord] = []
        for recipe, space in zip(recipes, tried, strict=True):
            seeded = recipe.under(*seed_overrides(SystemConfig, request.seed))
            lenders = [trial_folder(out / record.system, 0) for record in records]
            records.append(search(seeded, request, out / recipe.system, space, lenders))
            write_json(out / SEARCH_FILE, [record.model_dump(mode="json") for record in records])
            _write_best(recipe, records[-1:], out / recipe.system / BEST_FILE)
        _write_best(recipes[0], records, out / BEST_FILE)
        return records


def _write_best(recipe: Recipe, records: Sequence[SearchRecord], file: Path) -> None:
    """Write what a person gave and what was found of it, as `gistrec run --config` takes it."""
    found: dict[str, Scalar] = {}
    for record in records:
        best = record.best.settings if record.best is not None else {}
        for setting, value in best.items():
            if found.setdefault(setting, value) != value:
                say(
                    f"{file} is not written: {record.system} and an earlier system differ in "
                    f"{setting}; each has a {BEST_FILE} of its own"
                )
                file.unlink(missing_ok=True)
                return
    settings = merged_settings(recipe.config_file, [*recipe.overrides, *as_overrides(found)])
    write_text(file, format_yaml(settings))
