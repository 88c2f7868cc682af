from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.load import available_presets, load_config, save_config
from gistrec.errors import ConfigError


class Tower(StageConfig):
    width: int = 8
    depth: int = Field(2, ge=1)


class Train(StageConfig):
    learning_rate: float = 1e-3
    epochs: int = 3
    answers: tuple[str, ...] = ("yes", "no")
    tower: Tower = Tower()
    note: str | None = None


class System(StageConfig):
    name: str = "toy"
    kind: Literal["users", "time"] = "users"
    train: Train = Train()
    extra: Tower | None = None


class Split(StageConfig):
    folds: tuple[int, ...] = Field((1, 2), min_length=1)
    on: bool = True
    least: int = 1
    most: int = 5

    @model_validator(mode="after")
    def _in_order(self) -> "Split":
        if self.least > self.most:
            raise ValueError("least must not be above most")
        return self


class Parted(StageConfig):
    split: Split = Split()


class Whole(StageConfig):
    name: str = "a"
    kind: str = "b"

    @model_validator(mode="after")
    def _told_apart(self) -> "Whole":
        if self.name == self.kind:
            raise ValueError("name must not be the kind too")
        return self


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_hold() -> None:
    assert load_config(System) == System()


def test_a_file_is_laid_over_the_defaults_and_overrides_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "train:\n  epochs: 7\n  tower:\n    width: 16\n")
    config = load_config(System, file=file, overrides=["train.tower.depth=5", "train.epochs=9"])
    assert config.train == Train(epochs=9, tower=Tower(width=16, depth=5))


def test_of_two_overrides_the_later_one_wins() -> None:
    assert load_config(System, overrides=["train.epochs=1", "train.epochs=2"]).train.epochs == 2


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.learning_rate=1e-4", Train(learning_rate=1e-4)),
        ("train.learning_rate=.5", Train(learning_rate=0.5)),
        ("train.answers=[yes, no, on]", Train(answers=("yes", "no", "on"))),
        ("train.note=off", Train(note="off")),
        ("train.note=null", Train(note=None)),
        ("train.note='a: b = c'", Train(note="a: b = c")),
        ("train.tower={width: 3}", Train(tower=Tower(width=3))),
    ],
)
def test_override_values_have_types(override: str, expected: Train) -> None:
    assert load_config(System, overrides=[override]).train == expected


def test_a_section_that_is_off_by_default_can_be_filled_and_emptied(tmp_path: Path) -> None:
    assert load_config(System, overrides=["extra.width=4"]).extra == Tower(width=4)
    file = written(tmp_path, "extra: {width: 4}")
    assert load_config(System, file=file, overrides=["extra=null"]).extra is None


@pytest.mark.parametrize("text", ["", "# nothing set\n", "{}"])
def test_a_file_that_sets_nothing_changes_nothing(tmp_path: Path, text: str) -> None:
    assert load_config(System, file=written(tmp_path, text)) == System()


def test_an_unknown_key_in_a_file_is_named_with_its_place_and_the_nearest(tmp_path: Path) -> None:
    file = written(tmp_path, "train:\n  lerning_rate: 1\n")
    with pytest.raises(ConfigError) as fault:
        load_config(System, file=file)
    expected = f"{file}: unknown key train.lerning_rate; did you mean train.learning_rate?"
    assert str(fault.value) == expected


def test_an_unknown_key_in_an_override_is_named_with_the_override() -> None:
    with pytest.raises(ConfigError, match=r"^--set train\.epoch=3: unknown key train\.epoch; did"):
        load_config(System, overrides=["train.epoch=3"])


def test_a_key_in_the_wrong_section_is_found_in_the_right_one() -> None:
    with pytest.raises(ConfigError, match=r"did you mean train\.epochs\?"):
        load_config(System, overrides=["epochs=3"])


def test_a_key_like_no_other_is_answered_with_what_is_known_there() -> None:
    with pytest.raises(ConfigError, match="known here: width, depth"):
        load_config(System, overrides=["train.tower.zzz=3"])


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "train:\n  epochs: many\n  tower: {depth: 0}\nkind: mood\n")
    with pytest.raises(ConfigError) as fault:
        load_config(System, file=file)
    lines = str(fault.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{file}: ") for line in lines)
    assert "kind = 'mood': input should be 'users' or 'time'" in lines[0]
    assert "train.epochs = 'many': input should be a valid integer" in lines[1]
    assert "train.tower.depth = 0: input should be greater than or equal to 1" in lines[2]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("split.folds=[]", "--set split.folds=[]: split.folds = []: give 1 or more; here are 0"),
        ("split.folds=3", "split.folds = 3: it is a list, written [a, b]"),
        ("split.on=perhaps", "split.on = 'perhaps': it is true or false"),
        ("split.folds=[1, x]", "split.folds, entry 2 = 'x': input should be a valid integer"),
        ("split.least=9", "--set split.least=9: split: least must not be above most"),
    ],
)
def test_faults_are_told_without_the_words_of_a_library(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as fault:
        load_config(Parted, overrides=[override])
    assert message in str(fault.value)


def test_of_settings_that_do_not_go_together_no_single_one_is_blamed() -> None:
    with pytest.raises(ConfigError) as fault:
        load_config(Parted, overrides=["split.least=9", "split.most=8", "split.on=true"])
    assert str(fault.value) == "configuration: split: least must not be above most"


def test_a_fault_of_the_whole_says_once_that_it_is_of_the_whole(tmp_path: Path) -> None:
    told = "name must not be the kind too"
    with pytest.raises(ConfigError) as fault:
        load_config(Whole, overrides=["name=a", "kind=a"])
    assert str(fault.value) == f"configuration: {told}"
    file = written(tmp_path, "name: a\nkind: a\n")
    with pytest.raises(ConfigError) as fault:
        load_config(Whole, file=file)
    assert str(fault.value) == f"{file}: the configuration: {told}"


def test_a_fault_of_a_sweep_names_the_sweep() -> None:
    with pytest.raises(
        ConfigError, match=r"^--sweep train\.epoch=3: unknown key train\.epoch; did"
    ):
        load_config(System, overrides=["train.epochs=1"], swept=["train.epoch=3"])


@pytest.mark.parametrize("override", ["train.epochs", "=3", "train..epochs=3", ".=3", ""])
def test_an_override_that_is_none_is_shown_how_to_write_one(override: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as stage\.key=value"):
        load_config(System, overrides=[override])


def test_an_override_whose_value_is_not_yaml_is_refused() -> None:
    with pytest.raises(ConfigError, match="the value is not YAML"):
        load_config(System, overrides=["name=[1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: [", "is not YAML"),
        ("- a\n- b\n", "must hold `key: value` lines, and holds list"),
        ("just words", "must hold `key: value` lines, and holds str"),
        ("name: a\nname: b\n", "the key 'name' stands twice"),
        ("? [a, b]\n: c\n", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(System, file=written(tmp_path, text))


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*absent\.yaml"):
        load_config(System, file=tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(System, file=tmp_path / "binary.yaml")


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="no system is called 'mmsrarek'"):
        load_config(System, preset="mmsrarek")
    assert "mmsrarek" not in available_presets()


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    config = System(name="no", train=Train(note="1e-3", learning_rate=1e-5), extra=Tower(width=1))
    save_config(config, tmp_path / "config.yaml")
    assert load_config(System, file=tmp_path / "config.yaml") == config
