"""Variants of a system, each a run of its own in `variants/<name>` of the run they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.config.variants import LEAN, Variant
from gistrec.errors import ConfigError
from gistrec.pipeline.compared import VARIANTS, full_mark, note_full
from gistrec.pipeline.lending import note_lenders
from gistrec.pipeline.run import run_system
from gistrec.progress import say


@dataclass(frozen=True)
class Recipe:
    """What a run is made from.

    Attributes:
        system: a preset's name.
        dataset: its folder.
        config_file: YAML laid over the preset.
        overrides: ``stage.key=value``, laid over both.
    """

    system: str
    dataset: Path
    config_file: Path | None
    overrides: tuple[str, ...]

    def config(self, *changes: str) -> SystemConfig:
        """The configuration with ``changes`` laid over it.

        Raises:
            ConfigError: an unknown system, key or value.
        """
        return load_config(
            SystemConfig, self.system, self.config_file, self.overrides, swept=changes
        )

    def under(self, *settings: str) -> "Recipe":
        """The same with ``settings`` laid under its own overrides."""
        return replace(self, overrides=(*settings, *self.overrides))

    def make(self, run: Path, *changes: str) -> None:
        """Make the run, or go on with it."""
        run_system(
            self.system,
            self.dataset,
            run,
            config_file=self.config_file,
            overrides=[*self.overrides, *changes],
        )


def check_variants(recipe: Recipe, variants: Sequence[Variant]) -> None:
    """Refuse before anything is run what could not be run.

    Raises:
        ConfigError: a variant's settings are refused, or there is no system to vary.
    """
    if variants and not recipe.config().recommends:
        raise ConfigError(
            f"--ablate and --sweep vary what a language model is told, and {recipe.system} has none"
        )
    for variant in variants:
        recipe.config(*variant.overrides)


def run_variants(recipe: Recipe, run: Path, variants: Sequence[Variant]) -> list[Path]:
    """Make each variant of a finished run; that of one that changes nothing is the run itself.

    Every stage that ``run`` has already is taken over from it.

    Returns:
        The folder of each variant.
    """
    folders = []
    for number, variant in enumerate(variants, start=1):
        if recipe.config(*variant.overrides) == recipe.config():
            set_so = ", ".join(variant.overrides)
            say(f"variant {variant.name}: nothing changes, the full system has {set_so} already")
            folders.append(run)
            continue
        say(f"variant {variant.name} ({number} of {len(variants)})")
        folder = run / VARIANTS / variant.name
        note_lenders(folder, [run])
        recipe.make(folder, *variant.overrides, *LEAN)
        note_full(folder, full_mark(recipe.config(), [run]))
        folders.append(folder)
    return folders
