"""A system, its variants and their seeds from one command, measured against one another."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gistrec.config.seeds import seed_folder, seed_overrides
from gistrec.config.system import SystemConfig
from gistrec.config.variants import ABLATION, FULL, Variant, written_value
from gistrec.evaluation.ablation_plots import plot_ablation, plot_sweep
from gistrec.evaluation.ablations import (
    ABLATIONS_PICTURE,
    AblationRow,
    add_ablations,
    sweep_picture,
)
from gistrec.pipeline.ablation_rows import SYSTEMS, Subject, ablation_rows, systems_of, the_full
from gistrec.pipeline.compared import forget_earlier, full_mark
from gistrec.pipeline.lock import locked_run, refuse_other_folder
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
        The rows. They stand in ``ablations.json`` of ``run`` too, beside their pictures and the
        rows of earlier commands, if nothing of the full system has changed since.

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
        subjects = [*subjects, *_beside_sweeps(full, config, changed)]
        if seeds is not None:
            subjects = [*systems_of(full), *subjects]
        rows = ablation_rows(subjects, full, config.evaluation, seeds)
        _publish(rows, run, full_mark(config, full.folders))
        return rows


def _parts(recipe: Recipe, run: Path, seeds: Sequence[int] | None) -> list[tuple[Recipe, Path]]:
    if seeds is None:
        return [(recipe, run)]
    return [
        (recipe.under(*seed_overrides(SystemConfig, seed)), seed_folder(run, seed))
        for seed in seeds
    ]


def _beside_sweeps(
    full: Subject, config: SystemConfig, changed: Sequence[Subject]
) -> list[Subject]:
    """The full system once more for each sweep that none of its values has as it is."""
    sweeps = dict.fromkeys(one.variant.group for one in changed if one.variant.group != ABLATION)
    there = {one.variant.group for one in changed if one.same}
    return [
        replace(full, variant=Variant(FULL, key, written_value(config, key), ()))
        for key in sweeps
        if key not in there
    ]


def _publish(rows: Sequence[AblationRow], run: Path, mark: str) -> None:
    """Write the rows down beside those there are, and draw all."""
    forget_earlier(run, mark)
    file, every = add_ablations(rows, run, mark)
    say(f"{file}: {len(every)} rows")
    for group in dict.fromkeys(row.group for row in every if row.group != SYSTEMS):
        mine = [row for row in every if row.group == group]
        if group == ABLATION:
            plot_ablation(mine, run / ABLATIONS_PICTURE)
        else:
            plot_sweep(mine, run / sweep_picture(group))
