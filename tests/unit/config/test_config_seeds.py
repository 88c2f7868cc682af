from pathlib import Path
from typing import Any

import pytest

from gistrec.config.base import StageConfig
from gistrec.config.load import load_config
from gistrec.config.seeds import (
    parse_seeds,
    refuse_folder_of_seeds,
    refuse_no_run,
    seed_folder,
    seed_keys,
    seed_overrides,
)
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError, RunError


def seeds_of(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Every value called seed, by its key, of a configuration as it is written down."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= seeds_of(value, f"{above}{name}.")
        elif name == "seed":
            found[f"{above}{name}"] = value
    return found


def test_one_seed_reaches_every_stage_but_the_bootstrap() -> None:
    config = load_config(SystemConfig, "mmsrarec", None, seed_overrides(SystemConfig, 7))
    seeds = seeds_of(config.model_dump())
    assert seeds.pop("evaluation.seed") == 0
    assert set(seeds.values()) == {7}
    expected = {"split.seed", "collab.seed", "recommender.seed", "backbone.embedded.seed"}
    expected |= {f"baselines.{name}.seed" for name in ("sasrec", "gru4rec", "bert4rec")}
    assert expected <= seeds.keys()


def test_seeds_are_found_in_optional_parts_too() -> None:
    class Inner(StageConfig):
        seed: int = 0

    class Outer(StageConfig):
        maybe: Inner | None = None
        several: tuple[int, ...] = ()
        seedling: int = 0

    assert seed_keys(Outer) == ["maybe.seed"]


def test_a_seed_that_a_person_sets_alone_wins() -> None:
    given = [*seed_overrides(SystemConfig, 7), "split.seed=1"]
    config = load_config(SystemConfig, "mmsrarec", None, given)
    assert (config.split.seed, config.recommender.seed) == (1, 7)


def test_seeds_are_whole_numbers_each_once() -> None:
    assert parse_seeds("0, 2,1") == [0, 2, 1]
    with pytest.raises(ConfigError, match="--seeds 0,2,0: 0 is named twice"):
        parse_seeds("0,2,0")


def test_a_folder_of_seeds_is_no_run(tmp_path: Path) -> None:
    refuse_folder_of_seeds(tmp_path)
    for seed in (0, 1):
        folder = seed_folder(tmp_path, seed)
        folder.mkdir()
        (folder / "config.yaml").touch()
        refuse_folder_of_seeds(folder)
    with pytest.raises(RunError, match=r"folder of seeds: name .*seed-0 or .*seed-1"):
        refuse_folder_of_seeds(tmp_path)


def test_a_folder_without_a_config_is_no_run(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nope"):
        with pytest.raises(RunError) as told:
            refuse_no_run(folder)
        assert str(told.value) == (
            f"{folder} is no run: it has no config.yaml; `gistrec run` makes one"
        )
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / "config.yaml").touch()
    with pytest.raises(RunError, match="folder of seeds"):
        refuse_no_run(tmp_path)
    (tmp_path / "config.yaml").touch()
    refuse_no_run(tmp_path)


@pytest.mark.parametrize("text", ["", "1,", "-1", "1.5", "a"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="for example 0,1,2"):
        parse_seeds(text)
