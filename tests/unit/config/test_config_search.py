from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gistrec.config.load import available_presets, load_config
from gistrec.config.search import (
    Choice,
    Range,
    Space,
    defaults_of,
    request_of,
    space_of,
)
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError

PROFILES = Path(__file__).parents[3] / "src" / "gistrec" / "config" / "profiles"


@pytest.mark.parametrize("preset", available_presets())
@pytest.mark.parametrize("profile", [None, "small"])
def test_every_preset_has_a_space_of_its_own_settings(preset: str, profile: str | None) -> None:
    space = space_of(preset)
    file = None if profile is None else PROFILES / f"{profile}.yaml"
    config = load_config(SystemConfig, preset, file)
    defaults = defaults_of(space, config)
    assert list(defaults) == [one.setting for one in space.parameters]
    for one in space.parameters:
        one.holding(defaults[one.setting])
        tried = one.values if isinstance(one, Choice) else (one.low, one.high)
        for value in tried:
            whole = int(value) if isinstance(one, Range) and one.whole else value
            load_config(SystemConfig, preset, file, [f"{one.setting}={whole}"])


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 10), st.floats(20, 1e3), st.booleans())
def test_a_range_is_widened_just_so_far(value: float, low: float, high: float, log: bool) -> None:
    given_range = Range(setting="a.b", low=low, high=high, log=log)
    if log and value <= 0:
        with pytest.raises(ConfigError, match=r"a\.b is .* give it `values`"):
            given_range.holding(value)
        return
    held = given_range.holding(value)
    assert (held.low, held.high) == (min(low, value), max(high, value))


def test_a_choice_is_widened_by_what_it_lacks() -> None:
    choice = Choice(setting="a.b", values=(1, 2))
    assert choice.holding(2) is choice
    assert choice.holding(None).values == (1, 2, None)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("split.negatives", "would change what is asked"),
        ("dataset.withhold", "would change what is asked"),
        ("evaluation.resamples", "would change what is asked"),
        ("baselines.sasrec.seed", "a seed is not searched"),
        ("fusion.users", "without evidence and fusion"),
    ],
)
def test_a_space_leaves_questions_and_seeds_alone(setting: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Space(parameters=(Range(setting=setting, low=0, high=1),))


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ("{setting: a.b, low: 2, high: 1}", "must lie below"),
        ("{setting: a.b, low: 0, high: 1, log: true}", "log needs a low above 0"),
        ("{setting: a.b, low: 0.5, high: 2, whole: true}", "whole needs"),
        ("{setting: a.b, values: []}", "1 or more"),
        ("{setting: a.b, values: [1], hight: 3}", "hight"),
    ],
)
def test_a_file_that_is_no_space_is_refused_by_name(
    parameter: str, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(f"parameters:\n  - {parameter}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=reason) as refused:
        space_of("sasrec", file)
    assert str(file) in str(refused.value)


def test_a_setting_that_the_system_has_not_is_named_with_the_nearest() -> None:
    space = Space(parameters=(Range(setting="recommender.learning_rat", low=0, high=1),))
    with pytest.raises(ConfigError, match="no learning_rat; did you mean learning_rate"):
        defaults_of(space, SystemConfig(name="x"))
    whole = Space(parameters=(Range(setting="recommender.tasks", low=0, high=1),))
    with pytest.raises(ConfigError, match="not one value"):
        defaults_of(whole, SystemConfig(name="x"))


def test_a_request_names_the_option_that_is_wrong() -> None:
    assert request_of({"trials": 3}).trials == 3
    with pytest.raises(ConfigError, match="--seconds-each"):
        request_of({"trials": 3, "seconds_each": 0.0})
    with pytest.raises(ConfigError, match="--metric"):
        request_of({"metric": "accuracy"})
