from importlib import resources
from pathlib import Path
from typing import get_args

import pytest

from gistrec.config.baselines import BaselineName
from gistrec.config.load import available_presets, load_config, save_config
from gistrec.config.system import SystemConfig

PROFILES = sorted(
    entry.name
    for entry in resources.files("gistrec.config").joinpath("profiles").iterdir()
    if entry.name.endswith(".yaml")
)


def profile(name: str) -> Path:
    return Path(str(resources.files("gistrec.config").joinpath("profiles", name)))


def test_there_is_a_preset_for_the_method_and_for_every_baseline() -> None:
    own = {"mmsrarec", "mmsrarec-paper", "mllm-msr", "mllm-msr-paper"}
    assert set(available_presets()) == {*own, *get_args(BaselineName)}
    assert PROFILES


@pytest.mark.parametrize("preset", available_presets())
def test_a_preset_loads_and_bears_its_name(preset: str) -> None:
    assert load_config(SystemConfig, preset).name == preset


@pytest.mark.parametrize("preset", get_args(BaselineName))
def test_the_preset_of_a_baseline_runs_that_baseline_and_no_language_model(preset: str) -> None:
    config = load_config(SystemConfig, preset)
    assert not config.recommends
    assert preset in config.baselines.names


@pytest.mark.parametrize("preset", available_presets())
@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_fits_over_every_preset(preset: str, name: str) -> None:
    config = load_config(SystemConfig, preset, profile(name))
    assert config.name == preset
    assert config != load_config(SystemConfig, preset)


@pytest.mark.parametrize("preset", available_presets())
def test_what_a_run_notes_of_its_configuration_gives_it_back(preset: str, tmp_path: Path) -> None:
    config = load_config(SystemConfig, preset, None, ["split.seed=7"])
    save_config(config, tmp_path / "config.yaml")
    assert load_config(SystemConfig, None, tmp_path / "config.yaml") == config
