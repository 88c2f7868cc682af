"""What a search of settings may spend, and what it tries of each system."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gistrec.config.base import StageConfig
from gistrec.config.faults import describe_faults
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError

Scalar = bool | int | float | str | None
_PAPER = "-paper"  # a paper's own settings are searched where the system's are
_NOT_MEASURED = ("evidence", "fusion")  # trials go without, see ``pipeline.search``
_NO_SETTINGS_OF_A_SYSTEM = ("name", "recommends", "dataset", "split", "evaluation")


class Range(StageConfig):
    """Numbers between two others, both included.

    Attributes:
        setting: ``stage.key``.
        log: whether each factor is as likely as any other, and not each difference.
        whole: whether only whole numbers are tried.
    """

    setting: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _numbers_lie_between(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must lie below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError("log needs a low above 0")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("whole needs a low and a high that are whole")
        return self

    def holding(self, value: Scalar) -> "Range":
        """Itself, widened to hold ``value``.

        Raises:
            ConfigError: there is no such range.
        """
        if isinstance(value, bool | str | None) or (self.log and value <= 0):
            raise ConfigError(
                f"{self.setting} is {value!r}, which no range of numbers from {self.low:g} to "
                f"{self.high:g} can be widened to: give it `values`, or leave it out of the space"
            )
        low, high = min(self.low, value), max(self.high, value)
        return self.model_copy(update={"low": low, "high": high})


class Choice(StageConfig):
    """A few values, none nearer to one than to another.

    Attributes:
        setting: ``stage.key``.
    """

    setting: str
    values: tuple[Scalar, ...] = Field(min_length=1)

    def holding(self, value: Scalar) -> "Choice":
        """Itself with ``value`` among its values."""
        if value in self.values:
            return self
        return self.model_copy(update={"values": (*self.values, value)})


Parameter = Range | Choice


class Space(StageConfig):
    """What is tried of a system; empty where it has nothing to set."""

    parameters: tuple[Parameter, ...]

    @model_validator(mode="after")
    def _a_setting_stands_once(self) -> "Space":
        named = [parameter.setting for parameter in self.parameters]
        for setting in named:
            if named.count(setting) > 1:
                raise ValueError(f"{setting} stands there twice")
            if setting.split(".")[0] in _NO_SETTINGS_OF_A_SYSTEM:
                raise ValueError(f"{setting} would change what is asked, not who answers")
            if setting.split(".")[0] in _NOT_MEASURED:
                raise ValueError(
                    f"{setting}: a search measures systems without evidence and fusion"
                )
            if setting.split(".")[-1] == "seed":
                raise ValueError(f"{setting}: a seed is not searched, it is averaged over")
        return self


class SearchRequest(StageConfig):
    """The budget of a search, the same for every system, and what it looks for.

    Attributes:
        trials: settings tried of each system, the default ones first.
        seconds_each: no trial is begun for a system once its trials took so long; None for no end.
        metric: what is to be as high as possible, on validation users.
        protocol: what each positive is ranked among.
        seed: of the settings drawn.
    """

    trials: int = Field(default=20, ge=1)
    seconds_each: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    metric: str = Field(default="NDCG@5", pattern=r"^(NDCG|HR|MRR)@[1-9][0-9]*$")
    protocol: Literal["sampled", "full"] = "sampled"
    seed: int = Field(default=0, ge=0)


def request_of(options: Mapping[str, object]) -> SearchRequest:
    """A request from options of the command line, by the names of its fields.

    Raises:
        ConfigError: one is not what it must be.
    """
    try:
        return SearchRequest.model_validate(options)
    except ValidationError as error:
        origins: dict[tuple[str, ...], str] = {
            (name,): f"--{name.replace('_', '-')}" for name in options
        }
        raise ConfigError(describe_faults(error, SearchRequest, origins)) from error


def space_of(system: str, file: Path | None = None) -> Space:
    """What is tried of a preset: what ``file`` says, else what comes with gistrec.

    Raises:
        ConfigError: there is none, or it is not one.
    """
    if file is not None:
        return load_config(Space, None, file)
    folder = resources.files("gistrec.config").joinpath("spaces")
    source = folder.joinpath(f"{system.removesuffix(_PAPER)}.yaml")
    if not source.is_file():
        raise ConfigError(
            f"nothing says what to search of {system!r}: give --space {system}=FILE, with a file "
            "like those in gistrec/config/spaces"
        )
    with resources.as_file(source) as path:
        return load_config(Space, None, path)


def defaults_of(space: Space, config: SystemConfig) -> Mapping[str, Scalar]:
    """What a configuration has under each setting of the space.

    Raises:
        ConfigError: a setting is unknown, or no single value.
    """
    return {one.setting: _value(config, one.setting) for one in space.parameters}


def _value(config: SystemConfig, setting: str) -> Scalar:
    value: Any = config.model_dump(mode="json")
    for part in setting.split("."):
        if not isinstance(value, dict) or part not in value:
            near = get_close_matches(part, value if isinstance(value, dict) else (), n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"the space names {setting}: there is no {part}{meant}")
        value = value[part]
    if isinstance(value, dict | list):
        raise ConfigError(f"the space names {setting}, which is not one value: name its parts")
    return value  # type: ignore[no-any-return]
