"""A system, its variants and their seeds from one command, measured against one another."""

from collections.abc import Sequence
from pathlib import Path

from gistrec.config.seeds import seed_overrides
from gistrec.config.system import SystemConfig
from gistrec.config.variants import ABLATION, Variant
from gistrec.evaluation.ablation_plots import plot_ablation, plot_sweep
from gistrec.evaluation.ablations import AblationRow, add_ablations
from gistrec.files import fingerprint_of
from gistrec.pipeline.ablation_rows import SYSTEMS, Subject, ablation_rows, systems_of, the_full
from gistrec.pipeline.lock import locked_run, refuse_other_folder
from gistrec.pipeline.manifest import find_manifest
from gistrec.pipeline.variants import Recipe, check_variants, run_variants
from gistrec.progress import say


def run_ablations(
    recipe: Recipe, run: Path, variants: Sequence[Variant], seeds: Sequence[int] | None = None
) -> list[AblationRow]:
    """Run a system and its variants, or go on with that, and compare them.

    Args:
        recipe: the full system.
        run: its folder; with seeds, the folder of theirs, ``seed-<n>`` each.
        variants: made in ``variants/<name>`` of a run.
        seeds: the whole is made once with each; None for the seeds of the configuration.

    Returns:
        The rows, which stand in ``ablations.json`` of ``run`` too, beside their pictures. Rows of
        an earlier command stay where nothing of the full system has changed.

    Raises:
        ConfigError: settings are refused, or the system has nothing to vary.
        RunError: a run is in use, or its folder is something else.
    """
    check_variants(recipe, variants)
    refuse_other_folder(run)
    with locked_run(run):
        folders: list[Path] = []
        made: list[list[Path]] = []
        for part, folder in _parts(recipe, run, seeds):
            part.make(folder)
            folders.append(folder)
            made.append(run_variants(part, folder, variants))
        config = recipe.config()
        full = the_full(config.name, folders)
        changed = [
            Subject(variant, config.name, places, places == full.folders)
            for variant, places in zip(variants, zip(*made, strict=True), strict=True)
        ]
        subjects = [full, *changed] if any(v.group == ABLATION for v in variants) else changed
        if seeds is not None:
            subjects = [*systems_of(full), *subjects]
        rows = ablation_rows(subjects, full, config.evaluation, seeds)
        return _published(rows, run, _mark(recipe, full))


def _parts(recipe: Recipe, run: Path, seeds: Sequence[int] | None) -> list[tuple[Recipe, Path]]:
    if seeds is None:
        return [(recipe, run)]
    return [
        (recipe.under(*seed_overrides(SystemConfig, seed)), run / f"seed-{seed}") for seed in seeds
    ]


def _mark(recipe: Recipe, full: Subject) -> str:
    """Stands for the full system as it is measured."""
    found = [find_manifest(folder / f"evaluation-{full.system}") for folder in full.folders]
    measured = [manifest.fingerprint if manifest else "" for manifest in found]
    return fingerprint_of([recipe.config().model_dump(mode="json"), measured])


def _published(rows: Sequence[AblationRow], run: Path, mark: str) -> list[AblationRow]:
    """All rows there are now, written down and drawn."""
    file, every = add_ablations(rows, run, mark)
    say(f"{file}: {len(every)} rows")
    for group in dict.fromkeys(row.group for row in every if row.group != SYSTEMS):
        mine = [row for row in every if row.group == group]
        if group == ABLATION:
            plot_ablation(mine, run / "ablations.png")
        else:
            plot_sweep(mine, run / f"sweep-{group}.png")
    return every
